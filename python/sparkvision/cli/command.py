"""What every command has: a name, an example below its help, and one line on stderr after an error."""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec

import typer

from sparkvision.cli import interruption
from sparkvision.errors import SparkVisionError

Options = ParamSpec("Options")

REFUSED = 1
# As in a shell: 130 after Ctrl-C.
SIGNALLED = 128

app = typer.Typer(
    name="sparkvision",
    help="Vision Transformers as Spark ML stages: make bundles, inspect them, verify them, use them.",
    epilog="\nexample:\n  sparkvision export google/vit-base-patch16-224 my-vit/\n  sparkvision inspect my-vit/\n"
    '  spark-submit --jars "$(sparkvision jars)" job.py',
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command(
    name: str, *examples: str, exit_codes: str = "", refused: int = REFUSED
) -> Callable[[Callable[Options, None]], Callable[Options, None]]:
    """Make a function a command of `sparkvision`; its docstring is the help.

    Parameters
    ----------
    name : str
        The command's name.
    *examples : str
        Complete command lines, shown below the help.
    exit_codes : str
        The meaning of the exit codes, if there are more than 0 and 1.
    refused : int
        The exit code after a `SparkVisionError` or a failure of the file system.

    Examples
    --------
    >>> @command("inspect", "sparkvision inspect my-vit/")  # doctest: +SKIP
    ... def inspect(bundle: Path) -> None:
    ...     '''Print what is in a bundle.'''
    """
    # The text starts with an empty line, so that its indentation is not taken for that of the whole text.
    epilog = "\n".join(["", "example:", *(f"  {example}" for example in examples)])
    if exit_codes:
        epilog += f"\n\nexit code: {exit_codes}"

    def register(function: Callable[Options, None]) -> Callable[Options, None]:
        @functools.wraps(function)
        def with_one_line_errors(*arguments: Options.args, **options: Options.kwargs) -> None:
            number = None
            try:
                number = interruption.run(lambda: function(*arguments, **options))
            except SparkVisionError as error:
                _end(" ".join(str(error).split()), refused)
            except BrokenPipeError:  # the reader has closed the pipe: typer ends the process quietly
                raise
            except OSError as error:  # a full disk, a folder without permission: the system's message is clear
                _end(str(error), refused)
            if number is not None:
                _end("interrupted" if number == signal.SIGINT else "terminated", SIGNALLED + number)

        return app.command(name, epilog=epilog)(with_one_line_errors)

    return register


def _end(reason: str, exit_code: int) -> NoReturn:
    print(f"sparkvision: {reason}", file=sys.stderr)
    raise typer.Exit(exit_code)
