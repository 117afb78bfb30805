"""The command line, a module a command: each is listed in `sparkvision --help` and has its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from sparkvision import __version__

# Imported for what they add to the app, in the order in which the help lists them.
from sparkvision.cli import export, import_onnx, inspect, verify  # isort: skip
from sparkvision.cli import classify, embed, similar, bench  # isort: skip
from sparkvision.cli import doctor, jars, connect_server, models, push  # isort: skip
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
    "models",
    "push",
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
        0 when all is well, 1 after a refusal, which is told in one line on stderr, 2 after a wrong usage.
        `verify` keeps 1 for differences: a refusal, which leaves no result, is 2 there.

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
        print(f"sparkvision {__version__}")
        raise typer.Exit


@app.callback()
def _sparkvision(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    pass
