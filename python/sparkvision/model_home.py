"""The model home: bundles by name and version, below a folder or any URI that Hadoop reads.

``pretrained(name)`` looks for embedded models, then in the folder of the environment variable ``SPARKVISION_HOME`` (on
the driver; over Spark Connect on the server), then below the setting ``spark.sparkvision.modelHome``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql.utils import is_remote

from sparkvision._spark.embedded import local_folder
from sparkvision._spark.scala_errors import scala_errors
from sparkvision._spark.session import require_jars
from sparkvision.errors import SessionError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["models", "push"]


def push(bundle: str | Path, home: str, spark: SparkSession, name: str | None = None) -> str:
    """Copy a bundle into a model home, whole or not at all.

    Parameters
    ----------
    bundle
        The bundle's folder, on this machine, or ``embedded:NAME``.
    home
        Any URI that Hadoop writes to. Set ``spark.sparkvision.modelHome`` to this URI where the model is used.
    spark
        A classic session, whose Hadoop settings are used.
    name
        ``NAME`` or ``NAME:VERSION``. Default: the name of the folder or of the embedded model. Without a version the
        bundle gets the next whole number, unless it equals the newest version.

    Returns
    -------
    str
        The URI of the copy: ``HOME/NAME/VERSION``.

    Raises
    ------
    ParameterError
        When the folder does not exist.
    BundleError
        When the bundle is damaged, the version holds another bundle or other files, or the home cannot be written to.
    SessionError
        When the session is one over Spark Connect, or lacks SparkVision's jars.

    Examples
    --------
    >>> sparkvision.model_home.push("my-vit", "hdfs:///models", spark)
    'hdfs:///models/my-vit/1'
    """
    with local_folder(bundle) as folder, scala_errors():
        source = folder.absolute()
        return str(_scala(spark).push(str(source), home, name or source.name, spark._jsparkSession))


def models(spark: SparkSession) -> DataFrame:
    """List the models that ``pretrained`` finds by their names.

    Parameters
    ----------
    spark
        A classic session.

    Returns
    -------
    DataFrame
        A row per model and version: ``name``, ``version`` (null for the embedded ones), ``uri``, and ``place``:
        ``embedded``, ``SPARKVISION_HOME`` or ``spark.sparkvision.modelHome``.

    Raises
    ------
    BundleError
        When a model home cannot be read.
    SessionError
        When the session is one over Spark Connect, or lacks SparkVision's jars.

    Examples
    --------
    >>> sparkvision.model_home.models(spark).show()
    """
    from pyspark.sql import DataFrame

    with scala_errors():
        return DataFrame(_scala(spark).list(spark._jsparkSession), spark)


def _scala(spark: SparkSession) -> Any:
    if is_remote():
        raise SessionError("A Spark Connect client cannot look into the model home: do this in a classic session.")
    require_jars(spark)
    jvm: Any = spark._jvm
    return jvm.sparkvision.ml.model.PretrainedModels
