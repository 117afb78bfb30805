"""What Scala refuses, in this JVM or on a Spark Connect server, as this package's exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.errors import PySparkException

from sparkvision import errors

# The server's words (MLUtils in Spark's connect module) for a class that it does not have.
_UNKNOWN_STAGE = re.compile(r"Unsupported (?:ML operator, found|read for) (sparkvision\.\S+)")
# pyspark's words for an exception class that it does not know.
_ENGINE_EXCEPTION = re.compile(r"\(sparkvision\.(?:\w+\.)*(\w+)\) (.*)", re.DOTALL)
_STACK_TRACE = "\n\nJVM stacktrace:"


@contextmanager
def scala_errors() -> Iterator[None]:
    """Raise what the engine refuses in the block as this package's exceptions, without the JVM's stack trace."""
    try:
        yield
    except Exception as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from None


def _refusal(error: Exception) -> errors.SparkVisionError | None:
    # A client without Java has no py4j: its Py4JJavaError is recognised by what it has.
    scala = getattr(error, "java_exception", None)
    if scala is not None:
        return errors.from_scala(scala.getClass().getSimpleName(), scala.getMessage())
    return _server_refusal(error) if isinstance(error, PySparkException) else None


def _server_refusal(error: PySparkException) -> errors.SparkVisionError | None:
    """Translate what a server refused: one of the engine's exceptions, or a stage that it does not have."""
    message = str(error).partition(_STACK_TRACE)[0]
    if missing := _UNKNOWN_STAGE.search(message):
        return errors.SessionError(
            f"The Spark Connect server has no {missing[1]}: it was started without SparkVision's jars, or with another "
            "version's. On its machine, start it with sparkvision connect-server, or add to its own "
            'command: --jars "$(sparkvision jars)".'
        )
    engine = _ENGINE_EXCEPTION.match(message)
    return errors.from_scala(engine[1], engine[2]) if engine else None
