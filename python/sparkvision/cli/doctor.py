"""The command `sparkvision doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from sparkvision.cli.command import command
from sparkvision.cli.spark.session import Conf

_SIGNS = {"ok": "[green]ok[/]", "fix": "[red]FIX[/]", "information": "note"}


@command(
    "doctor",
    "sparkvision doctor",
    "sparkvision doctor --master spark://host:7077",
    exit_codes="0 when images can be labelled on the CPU (and on the executors of the master, if one is named), else 1",
)
def doctor(
    master: Annotated[
        str | None, typer.Option(metavar="URL", help="also label an image on the executors of this Spark master")
    ] = None,
    conf: Conf = None,
) -> None:
    """Check this machine, and print what to fix.

    The checks: Java, Spark, the jars, glibc, memory, the execution providers, and labelling an image.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from sparkvision.cli import checks

    found = list(checks.of(master, conf))
    table = Table("", "what", "found")
    for check in found:
        table.add_row(_SIGNS[check.state], escape(check.what), escape(check.found))
    console = Console()
    console.print(table)
    for check in found:
        if check.remedy:
            console.print(f"{check.what}: {check.remedy}", soft_wrap=True, highlight=False, markup=False)
    if any(check.state == "fix" for check in found):
        raise typer.Exit(1)
