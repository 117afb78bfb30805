"""Import of ONNX graphs that other frameworks made: a graph, labels and a processor's settings become a bundle.

Needs the extra ``export``: ``pip install 'sparkvision[export]'``. Nothing heavy is imported before `import_onnx` is
called.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sparkvision.errors import ExportError
from sparkvision.export import ExportReport
from sparkvision.manifest import FULL_PRECISION

__all__ = ["import_onnx"]


def import_onnx(
    graph: str | Path,
    out: str | Path,
    labels: str | Path,
    preprocessor: str | Path,
    problem_type: str | None = None,
    layout: str | None = None,
    images: str | Path | None = None,
    precision: str = FULL_PRECISION,
    calibrate: str | Path | None = None,
    progress: Callable[[str], None] | None = print,
) -> ExportReport:
    """Make a bundle from an ONNX graph that classifies pictures, and run it before it is put in place.

    Parameters
    ----------
    graph : str or Path
        The ``.onnx`` file, external data beside it. One float32 input of shape [pictures, 3, height, width] or
        [pictures, height, width, 3], one float32 output of shape [pictures, classes]. The number of pictures may be
        fixed where the graph runs with another one too.
    out : str or Path
        The bundle's folder, as for `sparkvision.export.export`.
    labels : str or Path
        File with one label per class: JSON ``{"label": id}``, a JSON array, or text with a label per line.
    preprocessor : str or Path
        What is done to a picture: a ``preprocessor_config.json`` as transformers writes it.
    problem_type : str, optional
        ``single_label_classification``, ``multi_label_classification`` or ``regression``. Default: single label after a
        softmax, several labels after a sigmoid, regression with a single class, else single label.
    layout : str, optional
        ``NCHW`` or ``NHWC``. Default: where the graph has three channels.
    images : str or Path, optional
        Folder of pictures to run, at most 32 are used. Default: four pictures made in code.
    precision : str
        What the graph computes with: ``fp32``; ``int8``, its large matrix products in 8-bit integers; or ``fp16``.
    calibrate : str or Path, optional
        With ``int8``: folder of pictures, at most 128 are used, to take the ranges of activations from. Default: each
        batch gives its own, and a picture's numbers then depend a little on its neighbours.
    progress : callable taking str, or None
        Gets a line for each step and its time. Default: `print`.

    Returns
    -------
    ExportReport
        The bundle, and the largest difference between the output for a picture alone and in a batch.

    Raises
    ------
    ExportError
        If the graph, the labels or the processor cannot be read, do not fit together, or the graph does not run.

    Notes
    -----
    Bundles hold logits. Where the graph ends in a softmax or a sigmoid, that last node is left out of the bundle,
    unless `problem_type` is ``regression``.

    Examples
    --------
    >>> from sparkvision.importing import import_onnx
    >>> import_onnx("model.onnx", "my-model", "labels.txt", "preprocessor_config.json")  # doctest: +SKIP
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise ExportError(
            f"importing needs libraries that are not installed ({error}); run `pip install 'sparkvision[export]'`"
        ) from error
    from sparkvision.export.precision import Precision
    from sparkvision.importing.job import ImportJob

    job = ImportJob(
        Path(graph), Path(labels), Path(preprocessor), problem_type, layout, images, Precision(precision, calibrate)
    )
    return job.run(Path(out), progress)
