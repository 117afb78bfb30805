"""Folders that Spark writes tables to, replacing whatever they hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sparkvision.errors import ParameterError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# What Spark and its committers (S3A's, Databricks') write into a table's folder. No shorter pattern: cameras name
# photos _MG_1234.jpg.
_SPARKS_OWN = re.compile(
    r"\.?part-\d{5}.*|\.?_SUCCESS(\.crc)?|_temporary|_metadata|_common_metadata|_(started|committed)_\d+"
    r"|__magic.*|\.spark-staging-.*"
)


def require_own_or_new(spark: SparkSession, out: str) -> None:
    """Refuse a folder that holds anything but a table that Spark wrote: to replace it would delete the rest.

    Parameters
    ----------
    spark : SparkSession
        A classic session.
    out : str
        Where the table is to be written; a path without a scheme is one of Spark's default file system.

    Raises
    ------
    ParameterError
        Naming what is in the way. Nothing is touched.
    """
    jvm: Any = spark._jvm
    path = jvm.org.apache.hadoop.fs.Path(out)
    files = path.getFileSystem(spark._jsc.hadoopConfiguration())
    if not files.exists(path) or not files.getFileStatus(path).isDirectory():
        return
    names = sorted(status.getPath().getName() for status in files.listStatus(path))
    foreign = [name for name in names if not _SPARKS_OWN.fullmatch(name)]
    if foreign:
        raise ParameterError(
            f"--out {out} is a folder that holds files which Spark did not write: {', '.join(foreign[:3])}; "
            "give another name"
        )
