"""The command `sparkvision verify`: its options, its files and its exit code."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sparkvision._output_place import require_writable_folder
from sparkvision.cli.command import command
from sparkvision.cli.model_option import ModelArgument, local_bundle
from sparkvision.cli.spark.session import Conf
from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.errors import VerifyError
from sparkvision.verify import verify as compare
from sparkvision.verify import write_verify_report
from sparkvision.verify.summary import describe

PAGE = "report.html"
DATA = "report.json"

NO_RESULT = 2


def _tolerance(value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise typer.BadParameter(f"{value:g} is not a tolerance; give a number such as 1e-3, not below 0")
    return value


@command(
    "verify",
    "sparkvision verify my-vit/ --source my-checkpoint/ --images photos/",
    exit_codes="0 when all logits agree within the tolerance and both sides refuse the same files, 1 when not, "
    "2 when there is no result",
    refused=NO_RESULT,
)
def verify(
    model: ModelArgument,
    source: Annotated[
        str, typer.Option(metavar="CHECKPOINT", help="checkpoint of the bundle: folder, or id on the hub")
    ],
    images: Annotated[Path, typer.Option(metavar="FOLDER", help="images to compare on, also in sub-folders")],
    tolerance: Annotated[
        float | None,
        typer.Option(
            callback=_tolerance,
            metavar="X",
            help="largest allowed difference of a logit (default: the bundle's own, 0.001 for fp32)",
        ),
    ] = None,
    report: Annotated[Path, typer.Option(metavar="FOLDER", help=f"where {PAGE} and {DATA} are written")] = Path(
        "verify-report"
    ),
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="compare the first N files only (default: all)")
    ] = None,
    conf: Conf = None,
) -> None:
    """Compare a bundle with its checkpoint on your own images.

    Every image runs through SparkVision's engine and through transformers.
    Pixels and logits are compared; a report lists the largest differences first.
    """
    from sparkvision.cli.progress import StatusLine

    if report.exists() and not report.is_dir():
        raise VerifyError(f"{report} is a file; give --report a folder")
    require_writable_folder(report)
    settings = SparkSettings.of(None, conf, default="local[1]")
    with local_bundle(model, settings) as bundle, StatusLine() as line:
        result = compare(bundle, source, images, tolerance, limit, progress=line.show)
    result = replace(result, bundle=model)  # not the temporary folder of a bundle that was fetched
    print(describe(result), end="\n\n")
    write_verify_report(result, report / PAGE)
    print(f"report         {report / PAGE} and {DATA}")
    if not result.passed:
        raise typer.Exit(1)
