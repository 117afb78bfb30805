"""The Spark session of a command: its options, its log out of the way, and its failures in one sentence."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from sparkvision.errors import SparkVisionError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Master: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Spark's master (default: local[*], or what spark-defaults.conf says)"),
]
Conf: TypeAlias = Annotated[
    list[str] | None, typer.Option(metavar="KEY=VALUE", help="a setting of Spark; may be given several times")
]

# Tasks of some eight pictures: the progress is that of finished tasks.
_DEFAULTS = {
    "spark.sql.files.maxPartitionBytes": "32m",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}


class SparkJobError(SparkVisionError):
    """A Spark job that failed, with the reason that its first cause gives."""


@contextmanager
def spark_session(master: str | None, conf: list[str] | None) -> Iterator[SparkSession]:
    """Start a session for a command and stop it at the end.

    What Spark's JVM writes on stderr goes to a file, which is kept, and named, when Spark fails.

    Raises
    ------
    SparkJobError
        When Spark cannot be started, or a job of the block fails.
    """
    settings = {**_DEFAULTS, **dict(_setting(text) for text in conf or ())}
    with tempfile.NamedTemporaryFile(prefix="sparkvision-", suffix=".log", delete=False) as log:
        try:
            with _stderr_into(log.fileno()), _same_interrupt_handler():
                spark = _start(master, settings)
            try:
                yield spark
            except KeyboardInterrupt:  # the JVM has ended: interruption.py
                raise
            except BaseException:
                spark.stop()
                raise
            spark.stop()
        except KeyboardInterrupt:
            Path(log.name).unlink()
            raise
        except Exception as error:
            reason = _reason(error)
            if reason is not None:
                raise SparkJobError(f"{reason} (Spark's log: {log.name})") from error
            Path(log.name).unlink()
            raise
        Path(log.name).unlink()


def _start(master: str | None, settings: dict[str, str]) -> SparkSession:
    from sparkvision import start

    return start(master=master, app_name="sparkvision", config=settings)


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise typer.BadParameter(f"--conf {text} is no setting; give KEY=VALUE")
    return key, value


@contextmanager
def _same_interrupt_handler() -> Iterator[None]:
    """Undo that Spark's start makes Ctrl-C pyspark's: that handler calls the JVM in the midst of a call."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)


@contextmanager
def _stderr_into(file: int) -> Iterator[None]:
    """Let processes that are started in this block write their stderr into a file."""
    sys.stderr.flush()
    ours = os.dup(2)
    os.dup2(file, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(ours, 2)
        os.close(ours)


def _reason(error: Exception) -> str | None:
    """Give the first line of what the innermost of Spark's exceptions says; None for other exceptions."""
    from pyspark.errors import PySparkException

    java: Any = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    if java is None:
        return str(error).partition("\n")[0] if isinstance(error, PySparkException) else None
    while java.getCause() is not None:
        java = java.getCause()
    return str(java.getMessage() or java.toString()).partition("\n")[0]
