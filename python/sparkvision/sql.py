"""Models as SQL functions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql.utils import is_remote

from sparkvision._spark.session import EXTENSIONS, require_jars
from sparkvision.errors import ParameterError, SessionError, SparkVisionError
from sparkvision.ml import ImageClassification

DEFAULT_TOP_K = 5


def register_function(
    spark: SparkSession,
    name: str,
    model: str | Path,
    *,
    top_k: int = DEFAULT_TOP_K,
    picture_type: str = "BINARY",
) -> None:
    """Make a model a temporary SQL function of this session.

    The function gives a struct for each picture: ``label``, ``score`` and ``id`` of the best class, ``labels`` (the
    ``top_k`` best, an array of label and score) and ``error``, the reason why a picture has no label.

    Parameters
    ----------
    spark
        A session that has SparkVision's jars. A Spark Connect server must be configured with
        ``spark.sql.extensions=sparkvision.ml.SparkVisionExtensions``.
    name
        The function's name; it replaces a temporary function of that name.
    model
        The bundle, as ``loadSavedModel`` takes it.
    top_k
        Labels in the array, at most.
    picture_type
        SQL type of the function's argument: ``BINARY`` (encoded bytes), ``STRING`` (paths), or a struct's, for instance
        ``STRUCT<path STRING, content BINARY>``.

    Raises
    ------
    ParameterError
        When the name is no identifier, or Spark refuses ``top_k`` or the type, with its reason.
    BundleError
        When the bundle is missing or damaged, or does not label pictures.
    SessionError
        When the session does not know SparkVision's SQL functions.

    Examples
    --------
    >>> sparkvision.register_function(spark, "classify", "my-vit/")
    >>> spark.sql("SELECT path, classify(content).label FROM pictures").show()
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise ParameterError(f"{name!r} cannot name a SQL function: use letters, digits and underscores.")
    enable_functions(spark)
    path = ImageClassification.loadSavedModel(str(model), spark).getModelPath()
    predict = f"sparkvision_predict(picture, {_literal(path)}, {int(top_k)})"
    try:
        spark.sql(f"CREATE OR REPLACE TEMPORARY FUNCTION {name}(picture {picture_type}) RETURN {predict}")
        # Spark looks at some arguments only when it plans a query. Without a picture this opens no session.
        spark.sql(f"SELECT {name}(NULL)").collect()
    except AnalysisException as error:
        raise _refusal(name, error) from None


def enable_functions(spark: SparkSession) -> None:
    """Add SparkVision's SQL functions to a classic session that was not configured with them.

    Raises
    ------
    SessionError
        When the session lacks SparkVision's jars.
    """
    if not is_remote():
        require_jars(spark)
        jvm: Any = spark._jvm
        jvm.sparkvision.ml.SparkVisionExtensions.install(spark._jsparkSession)


def unknown_functions(error: AnalysisException) -> SessionError | None:
    """Give our error where Spark says that this session's Spark Connect server lacks SparkVision's SQL functions."""
    if "UNRESOLVED_ROUTINE" not in str(error):
        return None
    return SessionError(
        "This session does not know SparkVision's SQL functions: start its Spark Connect server with SparkVision's "
        f"jars and spark.sql.extensions={EXTENSIONS}."
    )


def _refusal(name: str, error: AnalysisException) -> SparkVisionError:
    return unknown_functions(error) or ParameterError(f"The function {name} cannot be registered: {error}")


def _literal(text: str | None) -> str:
    escaped = (text or "").replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
