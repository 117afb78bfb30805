"""Conversion of a graph by ONNX Runtime's tools: to float16, to 8-bit integers, and with fused operators."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.bundle import GRAPH
from sparkvision.errors import ExportError, first_line
from sparkvision.export.onnx_graph import LARGEST_FILE, save

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

# The domain of ONNX Runtime's own operators, which every build of ONNX Runtime has.
_DOMAIN = "com.microsoft"

# The products of tokens with weights are nearly all of a transformer's work. Operators that are small or need the range
# of floats stay in float32: the first convolution, products of activations with each other, normalisations, and the
# head, which is a Gemm.
_QUANTISED_OPERATORS = ["MatMul"]


def fuse(folder: Path) -> int:
    """Fuse GELUs with their biases and normalisations with the sums before them, in the folder's ``model.onnx``.

    ONNX Runtime fuses many of these operators itself when a session opens, but not all of them.

    Parameters
    ----------
    folder : Path
        The bundle that is being made. The graph is replaced.

    Returns
    -------
    int
        Number of fused operators.

    Raises
    ------
    ExportError
        If there is nothing to fuse.
    """
    import onnx
    from onnxruntime.transformers.optimizer import optimize_model

    model = onnx.load(folder / GRAPH)
    # "vit" is the optimiser's name for encoders that generate no text. Level 0 leaves the optimisations of a session
    # to ONNX Runtime.
    optimised = optimize_model(model, model_type="vit", opt_level=0).model
    fused = len([node for node in optimised.graph.node if node.domain == _DOMAIN])
    if not fused:
        raise ExportError("the graph holds nothing that ONNX Runtime's optimiser can fuse; export it without optimize")
    optimised.opset_import.append(onnx.helper.make_opsetid(_DOMAIN, 1))
    for path in folder.glob(f"{GRAPH}*"):
        path.unlink()
    save(optimised, folder)
    return fused


def to_float16(source: Path, folder: Path) -> None:
    """Convert the graph in the folder `source` to ``model.onnx`` in another folder; input and outputs stay float32.

    Parameters
    ----------
    source, folder : Path
        Folders of the float32 graph and of the new graph.

    Raises
    ------
    ExportError
        If the graph cannot be converted.

    Notes
    -----
    Weights beyond float16's range become its largest number. The comparison with float32 shows whether that matters.
    The squares in a normalisation exceed the range first. They are harmless where ONNX Runtime fuses the normalisation
    and computes it in float32, as its CPU provider does.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.load(source / GRAPH)
    try:
        converted = convert_float_to_float16(model, keep_io_types=True)
    except Exception as error:  # the converter raises exceptions of many kinds for a graph that it does not know
        raise ExportError(
            f"the graph cannot be converted to fp16: {first_line(error)}; export it with precision fp32"
        ) from error
    save(converted, folder)


def to_int8(source: Path, folder: Path, calibration: Sequence[Floats]) -> None:
    """Quantise the large matrix products of the graph in the folder `source`, to ``model.onnx`` in another folder.

    Weights become 7-bit integers with a scale for each output channel. Processors without VNNI instructions add up two
    products in 16 bits, which 8-bit weights would overflow. With 7 bits all processors compute the same sums.

    Parameters
    ----------
    source, folder : Path
        Folders of the float32 graph and of the new graph.
    calibration : sequence of arrays
        Inputs of the graph, one image each. Their ranges become those of the activations, which are then quantised
        with constants. If empty, the range is computed anew for each batch.

    Raises
    ------
    ExportError
        If the graph has no product of activations with weights, or cannot be quantised.
    """
    import onnx
    from onnxruntime import quantization

    graph = onnx.load(source / GRAPH, load_external_data=False).graph
    large = sum(path.stat().st_size for path in source.iterdir()) > LARGEST_FILE
    options: dict[str, Any] = {
        "op_types_to_quantize": _QUANTISED_OPERATORS,
        "per_channel": True,
        "reduce_range": True,
        "weight_type": quantization.QuantType.QInt8,
        # The dynamic quantiser first replaces each Gemm by a MatMul of this name.
        "nodes_to_exclude": [f"{node.name}_MatMul" for node in graph.node if node.op_type == "Gemm"],
        "use_external_data_format": large,
    }
    extra = {
        "MatMulConstBOnly": True,
        # Sums that stay float32 are more exact than sums that are rounded to 8 bits, and as fast.
        "OpTypesToExcludeOutputQuantization": _QUANTISED_OPERATORS,
        # The outputs of fused operators have no declared type.
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
                **options,
            )
        else:
            quantization.quantize_dynamic(source / GRAPH, folder / GRAPH, extra_options=extra, **options)
    except Exception as error:  # the quantiser raises exceptions of many kinds for a graph that it does not know
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
