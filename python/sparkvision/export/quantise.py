"""A float32 graph with its large matrix products in 8-bit integers, by ONNX Runtime's quantiser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.bundle import GRAPH
from sparkvision.errors import ExportError
from sparkvision.export.checkpoint_files import first_line
from sparkvision.export.graph import LARGEST_FILE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

# The products of tokens with weights: nearly all of a transformer's work. What is small or needs the range of floats
# stays as it is: the first convolution, products of activations with each other, normalisations, the head (a Gemm).
_OPERATORS = ["MatMul"]


def write(source: Path, folder: Path, calibration: Sequence[Floats]) -> None:
    """Quantise the graph in the folder `source` to ``model.onnx`` in another folder.

    Weights become 7-bit integers with a scale for each output channel. Processors without VNNI instructions add up two
    products in 16 bits, which 8-bit weights would overflow; with 7 bits all processors give the same sums.

    Parameters
    ----------
    source, folder : Path
        Folders of the float32 graph and of the new one.
    calibration : sequence of arrays
        What the graph is fed, a picture each: their ranges become those of the activations, which are then quantised
        with constants. Without any, the range is found anew for each batch.

    Raises
    ------
    ExportError
        If the graph has no product of activations with weights, or cannot be quantised.
    """
    import onnx
    from onnxruntime import quantization

    graph = onnx.load(source / GRAPH, load_external_data=False).graph
    large = sum(path.stat().st_size for path in source.iterdir()) > LARGEST_FILE
    how: dict[str, Any] = {
        "op_types_to_quantize": _OPERATORS,
        "per_channel": True,
        "reduce_range": True,
        "weight_type": quantization.QuantType.QInt8,
        # The dynamic quantiser first makes a MatMul of each Gemm, and calls it so.
        "nodes_to_exclude": [f"{node.name}_MatMul" for node in graph.node if node.op_type == "Gemm"],
        "use_external_data_format": large,
    }
    extra = {
        "MatMulConstBOnly": True,
        # Sums that stay float32 are more exact than ones rounded to 8 bits, and as fast.
        "OpTypesToExcludeOutputQuantization": _OPERATORS,
        # What fused operators give has no declared type.
        "DefaultTensorType": onnx.TensorProto.FLOAT,
    }
    try:
        if calibration:
            quantization.quantize_static(
                source / GRAPH,
                folder / GRAPH,
                _reader(graph, calibration),
                activation_type=quantization.QuantType.QUInt8,
                extra_options=extra,
                **how,
            )
        else:
            quantization.quantize_dynamic(source / GRAPH, folder / GRAPH, extra_options=extra, **how)
    except Exception as error:  # the quantiser raises nearly anything for a graph that it does not know
        raise ExportError(
            f"the graph cannot be quantised to int8: {first_line(error)}; export it with precision fp32"
        ) from error
    _require_quantised(folder)


def _reader(graph: Any, calibration: Sequence[Floats]) -> Any:
    from onnxruntime import quantization

    initialised = {tensor.name for tensor in graph.initializer}
    (name,) = (value.name for value in graph.input if value.name not in initialised)

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._rest = iter(calibration)

        def get_next(self) -> dict[str, Floats] | None:
            pixel_values = next(self._rest, None)
            return None if pixel_values is None else {name: pixel_values}

    return Reader()


def _require_quantised(folder: Path) -> None:
    import onnx

    operators = {node.op_type for node in onnx.load(folder / GRAPH, load_external_data=False).graph.node}
    if not operators & {"MatMulInteger", "DequantizeLinear"}:
        raise ExportError(
            "precision int8 changes nothing: the graph has no product of activations with weights (ONNX's MatMul); "
            "export it with precision fp32 or fp16"
        )
