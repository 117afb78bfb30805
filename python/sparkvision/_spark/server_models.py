"""Models on a Spark Connect server, whose `load` is the only function of a stage that a client can call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from sparkvision._spark.upload import upload
from sparkvision.errors import BundleError, ParameterError

Stage = TypeVar("Stage")

# BundlePersistence.scala: `load` of such paths is `loadSavedModel` and `pretrained`.
_BUNDLE_PREFIX = "bundle:"
_PRETRAINED_PREFIX = "pretrained:"


def pretrained_path(name: str) -> str:
    """Return the path at which the server's `load` finds a model by its name."""
    return _PRETRAINED_PREFIX + name


def load_saved_model(load: Callable[[str], Stage], path: str, spark: SparkSession) -> Stage:
    """Make a stage that runs a bundle, by the server's `loadSavedModel`.

    Parameters
    ----------
    load
        The `load` of the stage's class.
    path
        The bundle on the server. A bundle that only the client has is uploaded, once.
    spark
        A Spark Connect session.

    Returns
    -------
    Stage
        What `load` returns.

    Raises
    ------
    BundleError
        When neither has the bundle, or there is something wrong with it.
    SessionError
        When the bundle needs uploading and the server has no place for it.
    """
    with _active(spark):
        try:
            return load(_BUNDLE_PREFIX + path)
        except (BundleError, ParameterError):
            # If the server has a bundle at this path, the error is about that bundle.
            if not Path(path).is_dir() or _server_has(spark, path):
                raise
        return load(_BUNDLE_PREFIX + upload(spark, Path(path)))


@contextmanager
def _active(spark: SparkSession) -> Iterator[None]:
    """Make a session this thread's active one in a block: pyspark's code for ML accepts no other."""
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    before = getattr(ConnectSession._active_session, "session", None)
    ConnectSession._active_session.session = cast(Any, spark)
    try:
        yield
    finally:
        ConnectSession._active_session.session = before


def _server_has(spark: SparkSession, path: str) -> bool:
    try:
        return bool(spark.read.format("binaryFile").load(path).schema)
    except PySparkException:
        return False
