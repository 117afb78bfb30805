"""The command `sparkvision export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparkvision.cli.bundle_options import LABELS_FORMATS, Calibrate, Images, Out, Precision, print_written
from sparkvision.cli.command import command
from sparkvision.manifest import CLASSIFICATION, FULL_PRECISION, TASKS


@command(
    "export",
    "sparkvision export google/vit-base-patch16-224 my-vit/",
    "sparkvision export ./my-checkpoint my-vit/ --images some-photos/",
    "sparkvision export ./my-checkpoint my-vit-int8/ --precision int8 --calibrate some-photos/",
)
def export(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="checkpoint folder, or id of a model on the hub")],
    out: Out,
    task: Annotated[
        str,
        typer.Option(
            metavar="TASK",
            help=f"{', '.join(TASKS[:-1])} or {TASKS[-1]}",
        ),
    ] = CLASSIFICATION,
    opset: Annotated[int | None, typer.Option(metavar="N", help="ONNX operator set (default: 14)")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"labels instead of the checkpoint's own: {LABELS_FORMATS}"),
    ] = None,
    images: Images = None,
    precision: Precision = FULL_PRECISION,
    calibrate: Calibrate = None,
    optimize: Annotated[
        bool, typer.Option("--optimize", help="fuse operators with ONNX Runtime's optimiser; for ONNX Runtime only")
    ] = False,
    attentions: Annotated[
        bool,
        typer.Option("--attentions", help="add the attentions, a map of where the model looked; slower"),
    ] = False,
    candidate_labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=f"zero-shot: labels to choose among if no others are named; {LABELS_FORMATS}"
        ),
    ] = None,
    hypothesis_template: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="zero-shot: sentence around a label (default: This is a photo of {}.)"),
    ] = None,
) -> None:
    """Make a bundle from a Hugging Face checkpoint.

    The bundle is compared with the checkpoint before it is put in place.
    """
    from sparkvision.export import export as export_checkpoint

    report = export_checkpoint(
        source,
        out,
        task=task,
        opset=opset,
        labels=labels,
        images=images,
        precision=precision,
        calibrate=calibrate,
        attentions=attentions,
        optimize=optimize,
        candidate_labels=candidate_labels,
        hypothesis_template=hypothesis_template,
    )
    print_written(report.bundle)
