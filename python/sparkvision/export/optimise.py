"""An exported graph with its patterns fused into larger operators, by ONNX Runtime's optimiser for transformers."""

from __future__ import annotations

from pathlib import Path

from sparkvision.bundle import GRAPH
from sparkvision.errors import ExportError
from sparkvision.export.graph import save

# Of ONNX Runtime's own operators, which every build of it has.
_DOMAIN = "com.microsoft"


def write(folder: Path) -> int:
    """Fuse GELUs with their biases and normalisations with the sums before them, in the folder's ``model.onnx``.

    ONNX Runtime fuses much of this by itself when a session opens, but not all of it.

    Parameters
    ----------
    folder : Path
        The bundle that is being made; the graph is replaced.

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
    # The optimiser's name for encoders that give no text. Level 0 leaves to ONNX Runtime what a session does by itself.
    optimised = optimize_model(model, model_type="vit", opt_level=0).model
    fused = len([node for node in optimised.graph.node if node.domain == _DOMAIN])
    if not fused:
        raise ExportError("the graph holds nothing that ONNX Runtime's optimiser can fuse; export it without optimize")
    optimised.opset_import.append(onnx.helper.make_opsetid(_DOMAIN, 1))
    for path in folder.glob(f"{GRAPH}*"):
        path.unlink()
    save(optimised, folder)
    return fused
