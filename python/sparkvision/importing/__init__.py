"""Import of ONNX graphs of other frameworks: a graph, labels and a processor's settings become a bundle.

Needs the extra ``export``: ``pip install 'sparkvision[export]'``. The libraries of that extra are imported when
`import_onnx` is called.
"""

from __future__ import annotations

from pathlib import Path

from sparkvision.errors import ExportError
from sparkvision.export.export_job import ExportReport
from sparkvision.export.precision import Precision
from sparkvision.export.progress import ProgressOption
from sparkvision.importing.import_job import ImportJob
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
    progress: ProgressOption = True,
) -> ExportReport:
    """Make a bundle from an ONNX graph that classifies images, and run it before it is put in place.

    Parameters
    ----------
    graph : str or Path
        The ``.onnx`` file, with external data beside it. The graph has one float32 input of shape [images, 3, height,
        width] or [images, height, width, 3], and one float32 output of shape [images, classes]. The number of images
        may be fixed if the graph also runs with another number.
    out : str or Path
        The bundle's folder, as for `sparkvision.export.export`.
    labels : str or Path
        File with one label per class: JSON ``{"label": id}``, a JSON array, or text with a label per line.
    preprocessor : str or Path
        The preprocessing of images: a ``preprocessor_config.json`` as transformers writes it.
    problem_type : str, optional
        ``single_label_classification``, ``multi_label_classification`` or ``regression``. Default: single label after a
        softmax, multi label after a sigmoid, regression with a single class, else single label.
    layout : str, optional
        ``NCHW`` or ``NHWC``. Default: the position of the three channels in the graph decides.
    images : str or Path, optional
        Folder of images to run, of which at most 32 are used. Default: four synthetic images.
    precision : str
        The arithmetic of the graph: ``fp32``; ``int8``, with its large matrix products in 8-bit integers; or
        ``fp16``.
    calibrate : str or Path, optional
        With ``int8``: folder of images, of which at most 128 are used, to take the ranges of activations from.
        Default: the ranges are those of each batch, and the numbers of an image then depend slightly on its
        neighbours.
    progress : bool or callable taking str
        True shows each step and its time on standard output, False shows nothing, and a callable gets each line.

    Returns
    -------
    ExportReport
        The bundle, and the largest difference between the output for an image alone and in a batch.

    Raises
    ------
    ParameterError
        If a path does not exist.
    ExportError
        If the graph, the labels or the processor cannot be read, do not fit together, or the graph does not run.

    Notes
    -----
    Bundles compute logits. If the graph ends in a softmax or a sigmoid, that last node is removed, unless
    `problem_type` is ``regression``.

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
    job = ImportJob(
        Path(graph), Path(labels), Path(preprocessor), problem_type, layout, images, Precision(precision, calibrate)
    )
    return job.run(Path(out), progress)
