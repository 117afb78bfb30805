"""Spark Connect: what a client, which has no JVM, asks of the server instead."""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from sparkvision import errors
from sparkvision._spark.upload import upload

if TYPE_CHECKING:
    from sparkvision._spark.stage import BundleTransformer

ModelStage = TypeVar("ModelStage", bound="BundleTransformer")

CONNECT_SECONDS = 20

# BundlePersistence.scala: `load` of such paths is `loadSavedModel` and `pretrained`.
_BUNDLE_PREFIX = "bundle:"
PRETRAINED_PREFIX = "pretrained:"

# The server's own words (MLUtils in Spark's connect module) for a class that it does not have.
_UNKNOWN_STAGE = re.compile(r"Unsupported (?:ML operator, found|read for) (sparkvision\.\S+)")
# How pyspark words an exception class that it does not know.
_ENGINE_EXCEPTION = re.compile(r"\(sparkvision\.engine\.(\w+)\) (.*)", re.DOTALL)
_STACK_TRACE = "\n\nJVM stacktrace:"


def connect(url: str, app_name: str, config: dict[str, str]) -> SparkSession:
    """Connect to a running Spark Connect server.

    Parameters
    ----------
    url
        As ``sc://host:15002``, with the parameters that Spark Connect knows.
    app_name
        The session's name.
    config
        Settings of the session; a server's own cannot be changed from here.

    Raises
    ------
    SessionError
        When no server answers there, or the libraries of Spark Connect are missing.
    """
    _require_answer(url)
    builder = SparkSession.builder.remote(url).appName(app_name)
    for key, value in config.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def require_libraries() -> None:
    """Refuse an installation without what Spark Connect needs.

    Raises
    ------
    SessionError
        Saying what to install.
    """
    try:
        import grpc  # noqa: F401
        import pyspark.sql.connect.client  # noqa: F401
    except ImportError as error:
        raise errors.SessionError(
            f"Spark Connect needs libraries that are not installed ({error}): run `pip install 'sparkvision[connect]'`."
        ) from error


def _require_answer(url: str) -> None:
    """Try the channel first: a session would go on trying for minutes."""
    from grpc import ChannelConnectivity
    from pyspark.sql.connect.client import DefaultChannelBuilder

    states: queue.Queue[ChannelConnectivity] = queue.Queue()
    with DefaultChannelBuilder(url).toChannel() as channel:
        channel.subscribe(states.put, try_to_connect=True)
        state = None
        try:
            while state not in (ChannelConnectivity.READY, ChannelConnectivity.TRANSIENT_FAILURE):
                state = states.get(timeout=CONNECT_SECONDS)
        except queue.Empty:
            pass
        if state != ChannelConnectivity.READY:
            raise errors.SessionError(
                f"No Spark Connect server answers at {url}. Check host and port, or start one: "
                "sparkvision connect-server."
            )


@contextmanager
def active(spark: SparkSession) -> Iterator[None]:
    """Let a session be this thread's active one in a block: pyspark's code for ML can be given no other."""
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    before = getattr(ConnectSession._active_session, "session", None)
    ConnectSession._active_session.session = cast(Any, spark)
    try:
        yield
    finally:
        ConnectSession._active_session.session = before


def refusal(error: Exception) -> errors.SparkVisionError | None:
    """Translate what a server refused: one of the engine's exceptions, or a stage that it does not have."""
    if not isinstance(error, PySparkException):
        return None
    message = str(error).partition(_STACK_TRACE)[0]
    if missing := _UNKNOWN_STAGE.search(message):
        return errors.SessionError(
            f"The Spark Connect server has no {missing[1]}: it was started without SparkVision's jars, or with another "
            "version's. On its machine, start it with sparkvision connect-server, or add to its own command: "
            '--jars "$(sparkvision jars)".'
        )
    engine = _ENGINE_EXCEPTION.match(message)
    return errors.from_scala(engine[1], engine[2]) if engine else None


def load_saved_model(stage: type[ModelStage], path: str, spark: SparkSession) -> ModelStage:
    """Make a stage that runs a bundle, by the server's `loadSavedModel`.

    The path is the server's. A bundle that only the client has is uploaded, once.
    """
    with active(spark):
        try:
            return stage.load(_BUNDLE_PREFIX + path)
        except (errors.BundleError, errors.ParameterError):
            # The server has a bundle at this path: the error is about that bundle.
            if not Path(path).is_dir() or _server_has(spark, path):
                raise
        return stage.load(_BUNDLE_PREFIX + upload(spark, Path(path)))


def _server_has(spark: SparkSession, path: str) -> bool:
    try:
        return bool(spark.read.format("binaryFile").load(path).schema)
    except PySparkException:
        return False


def column_labels(table: DataFrame, column: str) -> list[str]:
    """Give the names in a column's ML attributes, in their order."""
    attributes = table.schema[column].metadata.get("ml_attr", {}).get("attrs", {})
    found = sorted((attribute["idx"], attribute["name"]) for group in attributes.values() for attribute in group)
    return [name for _, name in found]
