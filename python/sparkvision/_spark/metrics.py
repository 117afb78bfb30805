"""What the stages have done so far."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from sparkvision.sql import enable_functions


def metrics(spark: SparkSession) -> DataFrame:
    """Tell what each stage and model has done in this Spark application, as finished tasks have reported it.

    The same figures for one query stand beside its operators in Spark's UI. A task that Spark ran again, after a lost
    executor for instance, may have counted twice.

    Parameters
    ----------
    spark
        A session that has SparkVision's jars.

    Returns
    -------
    DataFrame
        One row a stage (``stage``: its uid, or the SQL function) and model (``model``: the bundle's sha256): the
        execution ``providers`` it ran on, ``pictures`` seen, ``unusable`` ones among them, those that it ``decoded``
        itself, ``batches`` and ``pictures_a_batch`` (batchSize is what it can be), ``decode_seconds``,
        ``preprocess_seconds``, ``run_seconds`` and ``postprocess_seconds``, all tasks' times added up, and
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
