"""The command `sparkvision verify`: its options, its progress line, its files and its exit code."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from sparkvision.errors import VerifyError
from sparkvision.verify import TOLERANCE, verify
from sparkvision.verify.page import render
from sparkvision.verify.report import VerifyReport
from sparkvision.verify.summary import describe

PAGE = "report.html"
DATA = "report.json"

# A log file gets a line this often; a terminal has one line, which is written anew for each picture.
_LOG_SECONDS = 10.0

_EXAMPLE = """\
example:
  sparkvision verify my-vit/ --source my-checkpoint/ --images photos/

exit code: 0 when all logits agree within the tolerance and both sides refuse the same files, 1 when not,
2 when there is no result
"""


def add_verify(commands: Any) -> None:
    """Add the command to those of `sparkvision`."""
    command = commands.add_parser(
        "verify",
        help="compare a bundle with its checkpoint on your own pictures",
        description="Run every picture through SparkVision's engine and through transformers, compare pixels and "
        "logits, and write a report with the worst first.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("bundle", metavar="BUNDLE", help="folder of the bundle, or embedded:NAME")
    command.add_argument(
        "--source", required=True, metavar="CHECKPOINT", help="checkpoint it was made from: folder, or id on the hub"
    )
    command.add_argument(
        "--images", required=True, type=Path, metavar="FOLDER", help="pictures to compare on, also in sub-folders"
    )
    command.add_argument(
        "--tolerance",
        type=_tolerance,
        default=TOLERANCE,
        metavar="X",
        help="largest difference of a logit that is allowed (default: %(default)s)",
    )
    command.add_argument(
        "--report",
        type=Path,
        default=Path("verify-report"),
        metavar="FOLDER",
        help=f"where {PAGE} and {DATA} are written (default: %(default)s)",
    )
    command.add_argument("--limit", type=_limit, metavar="N", help="compare the first N files only (default: all)")
    command.set_defaults(run=_run, refused=2)


def write_report(report: VerifyReport, folder: Path) -> None:
    """Write the report's page and data into the folder; a report that is there is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DATA).write_text(json.dumps(report.to_json(), indent=2) + "\n", encoding="utf-8")
    (folder / PAGE).write_text(render(report), encoding="utf-8")


def _run(options: argparse.Namespace) -> int:
    if options.report.exists() and not options.report.is_dir():
        raise VerifyError(f"{options.report} is a file; give --report a folder")
    line = _ProgressLine(sys.stderr)
    try:
        report = verify(
            options.bundle, options.source, options.images, options.tolerance, options.limit, progress=line.show
        )
    finally:
        line.clear()
    print(describe(report), end="\n\n")
    write_report(report, options.report)
    print(f"report         {options.report / PAGE} and {DATA}")
    return 0 if report.passed else 1


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


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text} is no tolerance; give a number such as 1e-3, not below 0")
    return value


def _limit(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of pictures; give 1 or more")
    return value
