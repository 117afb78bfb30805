"""Write the graph by which an exact similarity search multiplies matrices, or check that the committed one is current.

Usage: make_similarity_graph.py [--check]

ONNX Runtime is what we ship anyway, and its matrix product is the fastest at hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

GRAPH = Path(__file__).resolve().parents[1] / "jvm/engine/src/main/resources/sparkvision/similarity/dot_products.onnx"
# Old ones, which every ONNX Runtime that we run on reads.
OPSET = 13
IR_VERSION = 7


def graph() -> bytes:
    """Make the graph: the dot product of each vector with each query."""
    node = helper.make_node("Gemm", ["vectors", "queries"], ["products"], transB=1)
    inputs = [
        helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["vectors", "dimension"]),
        helper.make_tensor_value_info("queries", TensorProto.FLOAT, ["queries", "dimension"]),
    ]
    outputs = [helper.make_tensor_value_info("products", TensorProto.FLOAT, ["vectors", "queries"])]
    model = helper.make_model(
        helper.make_graph([node], "dot_products", inputs, outputs),
        producer_name="sparkvision",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def main() -> int:
    """Write or check; 1 when the committed graph is another."""
    if sys.argv[1:] == ["--check"]:
        if GRAPH.read_bytes() != graph():
            print(f"{GRAPH.name} is stale; run scripts/make_similarity_graph.py and commit.", file=sys.stderr)
            return 1
        return 0
    GRAPH.parent.mkdir(parents=True, exist_ok=True)
    GRAPH.write_bytes(graph())
    print(f"wrote {GRAPH.name}: {GRAPH.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
