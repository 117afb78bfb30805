"""The command `sparkvision verify`: its options, its progress line, its files and its exit code."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Annotated, TextIO

import typer

from sparkvision._output_place import require_writable_folder
from sparkvision.cli.command import command
from sparkvision.errors import VerifyError
from sparkvision.report.whole_file import write_whole
from sparkvision.verify import verify as compare
from sparkvision.verify.page import render
from sparkvision.verify.report import VerifyReport
from sparkvision.verify.summary import describe

PAGE = "report.html"
DATA = "report.json"

NO_RESULT = 2

# A log file gets a line this often; a terminal has one line, which is written anew for each picture.
_LOG_SECONDS = 10.0


def _tolerance(value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise typer.BadParameter(f"{value:g} is no tolerance; give a number such as 1e-3, not below 0")
    return value


@command(
    "verify",
    "sparkvision verify my-vit/ --source my-checkpoint/ --images photos/",
    exit_codes="0 when all logits agree within the tolerance and both sides refuse the same files, 1 when not, "
    "2 when there is no result",
    refused=NO_RESULT,
)
def verify(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="folder of the bundle, or embedded:NAME")],
    source: Annotated[
        str, typer.Option(metavar="CHECKPOINT", help="checkpoint it was made from: folder, or id on the hub")
    ],
    images: Annotated[Path, typer.Option(metavar="FOLDER", help="pictures to compare on, also in sub-folders")],
    tolerance: Annotated[
        float | None,
        typer.Option(
            callback=_tolerance,
            metavar="X",
            help="largest difference of a logit that is allowed (default: the bundle's own, 0.001 for fp32)",
        ),
    ] = None,
    report: Annotated[Path, typer.Option(metavar="FOLDER", help=f"where {PAGE} and {DATA} are written")] = Path(
        "verify-report"
    ),
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="compare the first N files only (default: all)")
    ] = None,
) -> None:
    """Compare a bundle with its checkpoint on your own pictures.

    Every picture runs through SparkVision's engine and through transformers.
    Pixels and logits are compared; a report tells the worst first.
    """
    if report.exists() and not report.is_dir():
        raise VerifyError(f"{report} is a file; give --report a folder")
    require_writable_folder(report)
    line = _ProgressLine(sys.stderr)
    try:
        result = compare(bundle, source, images, tolerance, limit, progress=line.show)
    finally:
        line.clear()
    print(describe(result), end="\n\n")
    write_report(result, report)
    print(f"report         {report / PAGE} and {DATA}")
    if not result.passed:
        raise typer.Exit(1)


def write_report(report: VerifyReport, folder: Path) -> None:
    """Write the report's page and data into the folder; a report that is there is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / DATA, json.dumps(report.to_json(), indent=2) + "\n")
    write_whole(folder / PAGE, render(report))


class _ProgressLine:
    """Tells how far the work is: a terminal on one line, a log now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._next = time.monotonic() + _LOG_SECONDS

    def show(self, text: str) -> None:
        if self._terminal:
            self._write(f"\r{text}\x1b[K")  # ECMA-48's "erase in line": the rest of a longer text
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + _LOG_SECONDS
            self._write(f"{text}\n")

    def clear(self) -> None:
        if self._terminal:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
