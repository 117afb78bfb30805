"""The Spark session of a command: its options, its log in a file, and its failures in one sentence."""

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

from sparkvision.cli.spark.settings import SQL_PREFIX, SparkSettings
from sparkvision.errors import SparkVisionError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Master: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Spark's master (default: local[*], or the master of spark-defaults.conf)"),
]
Conf: TypeAlias = Annotated[
    list[str] | None, typer.Option(metavar="KEY=VALUE", help="a setting of Spark; may be repeated")
]

# Small tasks, of about eight images: the progress bar counts finished tasks.
_DEFAULTS = {
    "spark.sql.files.maxPartitionBytes": "32m",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}


_JVM_ENDED = "JAVA_GATEWAY_EXITED"
_FATAL = re.compile(r'(Exception in thread "\w+" [\w.$]+: |(?=Invalid )|Error: )')


class SparkJobError(SparkVisionError):
    """A Spark job that failed, with the message of its innermost cause."""


@contextmanager
def spark_session(settings: SparkSettings) -> Iterator[SparkSession]:
    """Start a session for a command and stop it at the end.

    The output of Spark's JVM goes to a file. If Spark fails, the file is kept and the error names it.

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
            except KeyboardInterrupt:  # interruption.py has ended the JVM
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
    """Start Spark, and then apply the settings of Spark SQL one by one.

    pyspark hangs if a session is started with a wrong value of such a setting: to convert the exception it reads the
    session's settings, and fails at the same value again.

    Raises
    ------
    ParameterError
        When Spark refuses one of the command's own settings.
    """
    sql = {key: value for key, value in settings.config.items() if key.startswith(SQL_PREFIX)}
    others = {**_DEFAULTS, **{key: value for key, value in settings.config.items() if key not in sql}}
    spark = _started(settings, others)
    try:
        # A list, and no generator, so that every setting is tried.
        if all([_applied(spark, settings, key, value) for key, value in sql.items()]):
            return spark
    except BaseException:
        spark.stop()
        raise
    # Some settings are fixed while a session lives: a second session gets them at its start.
    spark.stop()
    return _started(settings, {**others, **sql})


def _started(settings: SparkSettings, config: dict[str, str]) -> SparkSession:
    from sparkvision._spark.start import start

    try:
        return start(master=settings.master, app_name="sparkvision", config=config)
    except Exception as error:
        raise settings.refused_by_spark(_reasons(error)) or error from None


def _applied(spark: SparkSession, settings: SparkSettings, key: str, value: str) -> bool:
    """Set a setting of the running session; return False if Spark accepts it only at the start."""
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
    """Restore the handler of Ctrl-C that Spark's start replaces: pyspark's calls the JVM during another call."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)


@contextmanager
def _output_into(file: int) -> Iterator[None]:
    """Redirect stdout and stderr of the processes that are started in this block to a file."""
    streams = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.flush()
    originals = {number: os.dup(number) for number in (1, 2)}
    for number in originals:
        os.dup2(file, number)
    try:
        yield
    finally:
        for stream in streams:
            stream.flush()
        for number, original in originals.items():
            os.dup2(original, number)
            os.close(original)


def _reason(error: Exception) -> str | None:
    """Return the first line of the innermost of Spark's exceptions; None for other exceptions."""
    reasons = _reasons(error)
    return reasons[0] if reasons else None


def _reasons(error: Exception) -> list[str]:
    """Return the first line of each of Spark's exceptions, the innermost first; nothing for other exceptions."""
    from pyspark.errors import PySparkException

    java: Any = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    if java is None:
        return [_plain(str(error))] if isinstance(error, PySparkException) else []
    messages = []
    while java is not None:
        messages.append(_plain(str(java.getMessage() or java.toString())))
        java = java.getCause()
    return messages[::-1]


def _plain(message: str) -> str:
    """Return the first line without the codes of Spark's error conditions."""
    first = message.partition("\n")[0]
    return re.sub(rf"^\[(?!{_JVM_ENDED})[A-Z_.]+\] | SQLSTATE: \w+$", "", first)


def _last_words(log: Path) -> str:
    """Return the message of a JVM that ended before Spark had started."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if not line.startswith("\tat ")]
    fatal = [_FATAL.sub("", line) for line in lines if _FATAL.match(line)]
    messages = [line for line in lines if line]
    return fatal[0] if fatal else messages[-1] if messages else "it printed nothing"
