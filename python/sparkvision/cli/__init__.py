"""The command line: a module per command, or per pair of commands that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from sparkvision._version import VERSION

# The commands add themselves to the app when they are imported, in the order of the help.
from sparkvision.cli import export, import_onnx, inspect, verify  # isort: skip
from sparkvision.cli import classify, embed, similar, bench  # isort: skip
from sparkvision.cli import doctor, jars, connect_server, model_home  # isort: skip
from sparkvision.cli.command import app

__all__ = [
    "app",
    "bench",
    "classify",
    "connect_server",
    "doctor",
    "embed",
    "export",
    "import_onnx",
    "inspect",
    "jars",
    "main",
    "model_home",
    "similar",
    "verify",
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name. Default: those of the process.

    Returns
    -------
    int
        0 after success, 1 after an error, which is printed in one line on stderr, 2 after a wrong usage. The exit code
        1 of `verify` means differences; an error of `verify`, which leaves no result, is 2.

    Examples
    --------
    >>> main(["inspect", "my-vit"])  # doctest: +SKIP
    0
    """
    try:
        app(args=arguments, prog_name="sparkvision")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def _print_version(asked: bool) -> None:
    if asked:
        print(f"sparkvision {VERSION}")
        raise typer.Exit


@app.callback()
def _sparkvision(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    pass
