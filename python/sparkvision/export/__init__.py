"""Export of Hugging Face vision checkpoints to bundles that the engine runs.

Needs the extra ``export``: ``pip install 'sparkvision[export]'``. Nothing heavy is imported before `export` is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparkvision.bundle import Bundle
from sparkvision.errors import ExportError
from sparkvision.manifest import FULL_PRECISION

__all__ = ["ExportReport", "export"]


@dataclass(frozen=True)
class ExportReport:
    """A finished export.

    Attributes
    ----------
    bundle : Bundle
        The written bundle.
    largest_difference : float
        Largest absolute difference of any output between ONNX Runtime and the source model, over random tensors,
        pictures and the golden pair.
    pictures : int
        Number of pictures compared.
    """

    bundle: Bundle
    largest_difference: float
    pictures: int


def export(
    source: str | Path,
    out: str | Path,
    task: str = "image-classification",
    opset: int | None = None,
    labels: str | Path | None = None,
    images: str | Path | None = None,
    precision: str = FULL_PRECISION,
    calibrate: str | Path | None = None,
    progress: Callable[[str], None] | None = print,
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
        The bundle's folder. A bundle that is there is replaced once the new one has been verified; a folder that
        holds anything else is refused. When the export fails, what was there is left as it was.
    task : str
        ``image-classification``; ``feature-extraction``, for the vectors that a model has for a picture; or
        ``object-detection``; or ``zero-shot-image-classification`` of a CLIP, for labels that its users choose, and for
        vectors of texts too.
    opset : int, optional
        ONNX operator set. Default: 14, which every execution provider computes rightly.
    labels : str or Path, optional
        File with one label per class: JSON ``{"label": id}``, a JSON array, or text with a label per line. Default:
        the checkpoint's ``id2label``.
    images : str or Path, optional
        Folder of pictures to compare on, at most 32 are used. Default: four pictures made in code.
    precision : str
        What the graph computes with: ``fp32``; ``int8``, its large matrix products in 8-bit integers; or ``fp16``.
    calibrate : str or Path, optional
        With ``int8``: folder of pictures, at most 128 are used, to take the ranges of activations from. Default: each
        batch gives its own, and a picture's numbers then depend a little on its neighbours.
    progress : callable taking str, or None
        Gets a line for each step and its time. Default: `print`.
    attentions : bool
        Add the output that `LocalModel.attention_rollout` reads. ViTs with a class token have it; the graph is slower.
    optimize : bool
        Fuse what ONNX Runtime's optimiser for transformers knows. The graph then runs in ONNX Runtime only.
    candidate_labels : sequence of str, str or Path, optional
        With ``zero-shot-image-classification``: labels, or a file of them as for `labels`. The bundle holds their
        embeddings, and needs no tokenizer to choose among them. Default: whoever uses the bundle names labels.
    hypothesis_template : str, optional
        With it: the sentence that each label is put into, in the place of ``{}``. Default: transformers' own,
        ``This is a photo of {}.``

    Returns
    -------
    ExportReport
        The bundle and the largest difference seen.

    Raises
    ------
    ExportError
        If the source cannot be had or exported, `out` is not to be overwritten, or the outputs differ by more than
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
    from sparkvision.export.candidate_labels import from_options
    from sparkvision.export.job import ExportJob
    from sparkvision.export.precision import Precision

    lowered = Precision(precision, calibrate)
    no_labels = candidate_labels is None and hypothesis_template is None
    candidates = None if no_labels else from_options(candidate_labels, hypothesis_template)
    job = ExportJob(str(source), task, opset, labels, images, lowered, attentions, optimize, candidates)
    return job.run(Path(out), progress)
