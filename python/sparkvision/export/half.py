"""A float32 graph in float16, by ONNX Runtime's converter: half the size, and faster where the hardware has float16."""

from __future__ import annotations

from pathlib import Path

from sparkvision.bundle import GRAPH
from sparkvision.errors import ExportError
from sparkvision.export.checkpoint_files import first_line
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

    Notes
    -----
    Weights beyond float16's range become its largest number; comparing with float32 tells whether that matters. The
    squares in a normalisation, which pass that range first, are no fault where ONNX Runtime fuses the normalisation and
    computes it in float32, as its CPU provider does.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.load(source / GRAPH)
    try:
        halved = convert_float_to_float16(model, keep_io_types=True)
    except Exception as error:  # the converter raises nearly anything for a graph that it does not know
        raise ExportError(
            f"the graph cannot be converted to fp16: {first_line(error)}; export it with precision fp32"
        ) from error
    save(halved, folder)
