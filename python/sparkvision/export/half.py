"""A float32 graph in float16, by ONNX Runtime's converter: half the size, and faster where the hardware has float16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparkvision.bundle import GRAPH
from sparkvision.errors import ExportError
from sparkvision.export.graph import save


def write(source: Path, folder: Path) -> None:
    """Convert the graph in the folder `source` to ``model.onnx`` in another folder; input and outputs stay float32.

    Parameters
    ----------
    source, folder : Path
        Folders of the float32 graph and of the new one.

    Raises
    ------
    ExportError
        If the graph cannot be converted.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.load(source / GRAPH)
    try:
        halved = convert_float_to_float16(model, keep_io_types=True, node_block_list=_variances(model))
    except Exception as error:  # the converter raises nearly anything for a graph that it does not know
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ExportError(f"the graph cannot be converted to fp16: {reason}; export it with precision fp32") from error
    save(halved, folder)


def _variances(model: Any) -> list[str]:
    """Name the nodes from each square to its root: the variance of a normalisation.

    A square passes float16's largest number, 65504, where an activation is beyond 256, as in many trained
    transformers; and their epsilon of 1e-12 is less than float16's smallest.
    """
    readers: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    names = []
    for node in model.graph.node:
        if node.op_type == "Pow":
            names.append(node.name)
            while node.op_type != "Sqrt" and len(following := readers.get(node.output[0], [])) == 1:
                node = following[0]
                names.append(node.name)
    return names
