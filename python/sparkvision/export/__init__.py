"""Export of Hugging Face vision checkpoints to bundles that the engine runs.

Needs the extra ``export``: ``pip install 'sparkvision[export]'``. The libraries of that extra are imported when
`export` is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sparkvision.errors import ExportError
from sparkvision.export.export_job import ExportJob, ExportReport
from sparkvision.export.labels import CandidateLabels
from sparkvision.export.precision import Precision
from sparkvision.export.progress import ProgressOption
from sparkvision.manifest import CLASSIFICATION, FULL_PRECISION

__all__ = ["ExportReport", "export"]


def export(
    source: str | Path,
    out: str | Path,
    task: str = CLASSIFICATION,
    opset: int | None = None,
    labels: str | Path | None = None,
    images: str | Path | None = None,
    precision: str = FULL_PRECISION,
    calibrate: str | Path | None = None,
    progress: ProgressOption = True,
    attentions: bool = False,
    optimize: bool = False,
    candidate_labels: Sequence[str] | str | Path | None = None,
    hypothesis_template: str | None = None,
) -> ExportReport:
    """Export a checkpoint to a bundle, and compare the bundle with the checkpoint before it is put in place.

    Parameters
    ----------
    source : str or Path
        A checkpoint folder, or the id of a model on the hub.
    out : str or Path
        The bundle's folder. An existing bundle is replaced after the new one has been verified. A folder that
        holds anything else is refused. When the export fails, the folder keeps its content.
    task : str
        ``image-classification``; ``feature-extraction``, for the vectors that a model computes from an image;
        ``object-detection``; or ``zero-shot-image-classification`` with a CLIP model, for labels that users choose,
        and for vectors of texts.
    opset : int, optional
        ONNX operator set. Default: 14, which every execution provider computes correctly.
    labels : str or Path, optional
        File with one label per class: JSON ``{"label": id}``, a JSON array, or text with a label per line. Default:
        the checkpoint's ``id2label``.
    images : str or Path, optional
        Folder of images to compare on, of which at most 32 are used. Default: four synthetic images.
    precision : str
        The arithmetic of the graph: ``fp32``; ``int8``, with its large matrix products in 8-bit integers; or
        ``fp16``.
    calibrate : str or Path, optional
        With ``int8``: folder of images, of which at most 128 are used, to take the ranges of activations from.
        Default: the ranges are those of each batch, and the numbers of an image then depend slightly on its
        neighbours.
    progress : bool or callable taking str
        True shows each step and its time on standard output, False shows nothing, and a callable gets each line.
    attentions : bool
        Add the output that `LocalModel.attention_rollout` reads. ViTs with a class token have it. The graph is slower.
    optimize : bool
        Fuse the operators that ONNX Runtime's optimiser for transformers knows. The graph then runs in ONNX Runtime
        only.
    candidate_labels : sequence of str, str or Path, optional
        With ``zero-shot-image-classification``: labels, or a file of labels in a format of `labels`. The bundle holds
        their embeddings, and needs no tokenizer to choose among them. Default: users of the bundle name labels.
    hypothesis_template : str, optional
        With ``zero-shot-image-classification``: the sentence that each label is put into, in the place of ``{}``.
        Default: ``This is a photo of {}.``, the default of transformers.

    Returns
    -------
    ExportReport
        The bundle and the largest difference seen.

    Raises
    ------
    ParameterError
        If the source or another path does not exist.
    ExportError
        If the source cannot be read or exported, `out` cannot be overwritten, or the outputs differ by more than
        1e-3.

    Examples
    --------
    >>> from sparkvision.export import export
    >>> report = export("my-checkpoint", "my-vit")  # doctest: +SKIP
    [1/5] Loading my-checkpoint
    ...
    >>> report.largest_difference < 1e-3  # doctest: +SKIP
    True
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import optimum.exporters.onnx  # noqa: F401
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise ExportError(
            f"exporting needs libraries that are not installed ({error}); run `pip install 'sparkvision[export]'`"
        ) from error
    job = ExportJob(
        str(source),
        task,
        opset,
        labels,
        images,
        Precision(precision, calibrate),
        attentions,
        optimize,
        None
        if candidate_labels is None and hypothesis_template is None
        else CandidateLabels.of(candidate_labels, hypothesis_template),
    )
    return job.run(Path(out), progress)
