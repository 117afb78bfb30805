"""The Spark session of a command: its options, its log out of the way, and its failures in one sentence."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from sparkvision.cli.spark_settings import SQL_PREFIX, SparkSettings
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


_JVM_ENDED = "JAVA_GATEWAY_EXITED"
_FATAL = re.compile(r'(Exception in thread "\w+" [\w.$]+: |(?=Invalid )|Error: )')


class SparkJobError(SparkVisionError):
    """A Spark job that failed, with the reason that its first cause gives."""


@contextmanager
def spark_session(settings: SparkSettings) -> Iterator[SparkSession]:
    """Start a session for a command and stop it at the end.

    What Spark's JVM writes goes to a file, which is kept, and named, when Spark fails.

    Raises
    ------
    SparkJobError
        When Spark cannot be started, or a job of the block fails.
    """
    settings.require_startable()
    with tempfile.NamedTemporaryFile(prefix="sparkvision-", suffix=".log", delete=False) as log:
        try:
            with _output_into(log.fileno()), _same_interrupt_handler():
                spark = _start(settings)
            try:
                yield spark
            except KeyboardInterrupt:  # the JVM has ended: interruption.py
                raise
            except BaseException:
                spark.stop()
                raise
            spark.stop()
        except KeyboardInterrupt:
            Path(log.name).unlink(missing_ok=True)
            raise
        except Exception as error:
            reason = _reason(error)
            if reason is not None and _JVM_ENDED in reason:
                reason = f"Java ended before Spark had started: {_last_words(Path(log.name))}"
            if reason is not None:
                raise SparkJobError(f"{reason} (Spark's log: {log.name})") from error
            Path(log.name).unlink(missing_ok=True)
            raise
        Path(log.name).unlink(missing_ok=True)


def _start(settings: SparkSettings) -> SparkSession:
    """Start Spark, and apply the settings of Spark SQL to it one by one.

    pyspark hangs where a session is started with a wrong value of one: it looks for a session's settings to tell any
    exception, and fails at the same value again.

    Raises
    ------
    ParameterError
        When Spark refuses one of the command's own settings.
    """
    sql = {key: value for key, value in settings.config.items() if key.startswith(SQL_PREFIX)}
    others = {**_DEFAULTS, **{key: value for key, value in settings.config.items() if key not in sql}}
    spark = _started(settings, others)
    try:
        # A list, so that each is tried.
        if all([_applied(spark, settings, key, value) for key, value in sql.items()]):
            return spark
    except BaseException:
        spark.stop()
        raise
    # Some are fixed for as long as a session lives: a second one has them from its start.
    spark.stop()
    return _started(settings, {**others, **sql})


def _started(settings: SparkSettings, config: dict[str, str]) -> SparkSession:
    from sparkvision._spark.start import start

    try:
        return start(master=settings.master, app_name="sparkvision", config=config)
    except Exception as error:
        raise settings.refused_by_spark(_reasons(error)) or error from None


def _applied(spark: SparkSession, settings: SparkSettings, key: str, value: str) -> bool:
    """Set it for the session that runs; False where Spark takes it at the start only."""
    from pyspark.errors import AnalysisException, IllegalArgumentException

    try:
        spark.conf.set(key, value)
    except AnalysisException:
        return False
    except IllegalArgumentException as error:
        raise settings.refused_by_spark(_reasons(error)) or error from None
    return True


@contextmanager
def _same_interrupt_handler() -> Iterator[None]:
    """Undo that Spark's start makes Ctrl-C pyspark's: that handler calls the JVM in the midst of a call."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)


@contextmanager
def _output_into(file: int) -> Iterator[None]:
    """Let processes that are started in this block write their stdout and stderr into a file."""
    streams = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.flush()
    ours = {number: os.dup(number) for number in (1, 2)}
    for number in ours:
        os.dup2(file, number)
    try:
        yield
    finally:
        for stream in streams:
            stream.flush()
        for number, own in ours.items():
            os.dup2(own, number)
            os.close(own)


def _reason(error: Exception) -> str | None:
    """Give the first line of what the innermost of Spark's exceptions says; None for other exceptions."""
    reasons = _reasons(error)
    return reasons[0] if reasons else None


def _reasons(error: Exception) -> list[str]:
    """Give the first line of what each of Spark's exceptions says, the innermost first; none for others."""
    from pyspark.errors import PySparkException

    java: Any = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    if java is None:
        return [_plain(str(error))] if isinstance(error, PySparkException) else []
    said = []
    while java is not None:
        said.append(_plain(str(java.getMessage() or java.toString())))
        java = java.getCause()
    return said[::-1]


def _plain(message: str) -> str:
    """Give the first line without the codes of Spark's error conditions."""
    first = message.partition("\n")[0]
    return re.sub(rf"^\[(?!{_JVM_ENDED})[A-Z_.]+\] | SQLSTATE: \w+$", "", first)


def _last_words(log: Path) -> str:
    """Give what a JVM said that ended at once."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if not line.startswith("\tat ")]
    fatal = [_FATAL.sub("", line) for line in lines if _FATAL.match(line)]
    said = [line for line in lines if line]
    return fatal[0] if fatal else said[-1] if said else "it said nothing"
