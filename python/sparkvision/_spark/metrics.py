"""The counters of the stages."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from sparkvision.sql import enable_functions


def metrics(spark: SparkSession) -> DataFrame:
    """Return what each stage and model has done in this Spark application, as finished tasks have reported it.

    Spark's UI shows the same figures for one query beside its operators. A task that Spark ran again, for instance
    after the loss of an executor, may be counted twice.

    Parameters
    ----------
    spark
        A session that has SparkVision's jars.

    Returns
    -------
    DataFrame
        One row per stage (``stage``: its uid, or the SQL function) and model (``model``: the SHA-256 of the bundle):
        the execution ``providers``, the number of images (``images``), of the ``unusable`` images and of those that
        the stage ``decoded`` itself, ``batches`` and ``images_per_batch`` (at most batchSize), ``decode_seconds``,
        ``preprocess_seconds``, ``run_seconds`` and ``postprocess_seconds``, summed over all tasks, and
        ``sessions_opened``.

    Raises
    ------
    SessionError
        When the session lacks SparkVision's jars.

    Examples
    --------
    >>> sparkvision.metrics(spark).show()
    """
    enable_functions(spark)
    return spark.sql("SELECT * FROM sparkvision_metrics()")
