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


def register_function(
    spark: SparkSession,
    name: str,
    model: str | Path,
    *,
    top_k: int | None = None,
    image_type: str = "BINARY",
) -> None:
    """Make a model a temporary SQL function of this session.

    The function returns a struct for each image: ``label``, ``score`` and ``id`` of the best class, ``labels`` (the
    best labels with their scores) and ``error``, the reason why an image has no label.

    Parameters
    ----------
    spark
        A session that has SparkVision's jars. A Spark Connect server must be configured with
        ``spark.sql.extensions=sparkvision.ml.SparkVisionExtensions``.
    name
        The name of the function. A temporary function of the same name is replaced.
    model
        The path or URI of the bundle, as for ``loadSavedModel``.
    top_k
        Labels in the array, at most. Default: that of ``sparkvision_predict``.
    image_type
        SQL type of the function's argument: ``BINARY`` (encoded bytes), ``STRING`` (paths), or a struct's, for instance
        ``STRUCT<path STRING, content BINARY>``.

    Raises
    ------
    ParameterError
        When the name is not an identifier, or Spark refuses ``top_k`` or the type; the message has Spark's reason.
    BundleError
        When the bundle is missing or damaged, or does not label images.
    SessionError
        When the session does not know SparkVision's SQL functions.

    Examples
    --------
    >>> sparkvision.register_function(spark, "classify", "my-vit/")
    >>> spark.sql("SELECT path, classify(content).label FROM images").show()
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise ParameterError(f"{name!r} cannot name a SQL function: use letters, digits and underscores.")
    enable_functions(spark)
    path = ImageClassification.loadSavedModel(str(model), spark).getModelPath()
    limit = "" if top_k is None else f", {int(top_k)}"
    predict = f"sparkvision_predict(image, {_literal(path)}{limit})"
    try:
        spark.sql(f"CREATE OR REPLACE TEMPORARY FUNCTION {name}(image {image_type}) RETURN {predict}")
        # Spark checks some arguments only when it plans a query. Without an image, this query opens no session.
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
    """Return the error for a Spark Connect server without SparkVision's SQL functions; None for other errors."""
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
