"""Folders and files of a command: looked at before Spark starts if they are certainly on this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision._output_place import require_writable_file, require_writable_folder
from sparkvision.errors import ParameterError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from sparkvision.cli.spark.settings import SparkSettings

# Hadoop takes the rest of the URI literally, without decoding it.
_FILE_SCHEME = re.compile("^file:(//[^/]*)?")
# The special characters of Hadoop's patterns, such as s3a://lake/2024-*.
_PATTERN = set("*?[{")
# Files that Spark and its committers (S3A's, Databricks') write into a table's folder. No pattern may be shorter,
# because cameras name photos _MG_1234.jpg.
_SPARKS_OWN = re.compile(
    r"\.?part-\d{5}.*|\.?_SUCCESS(\.crc)?|_temporary|_metadata|_common_metadata|_(started|committed)_\d+"
    r"|__magic.*|\.spark-staging-.*"
)


def is_uri(place: str) -> bool:
    """Return whether a place is a URI, and neither a path nor the name of a model."""
    return ":/" in place


def file_path(uri: str) -> Path:
    """Return the path of a ``file:`` URI."""
    return Path(_FILE_SCHEME.sub("", uri))


def on_this_machine(place: str, settings: SparkSettings) -> Path | None:
    """Return the path of a place that is certainly on this machine, else None: then only Spark knows."""
    if place.startswith("file:/"):
        return file_path(place)
    # For Hadoop a scheme ends at a colon before the first slash. A folder may have such a name all the same.
    if ":" in place.partition("/")[0] and not os.path.lexists(place):
        return None
    return Path(place).absolute() if settings.is_local() else None


def require_folder(folder: str, settings: SparkSettings) -> str:
    """Return an image folder as Hadoop is to read it; refuse a folder that certainly does not exist or has no files.

    Raises
    ------
    ParameterError
        When there is no such folder or file, or the folder is empty.
    """
    path = on_this_machine(folder, settings)
    if path is None:
        return folder
    if not path.exists():
        if _PATTERN.isdisjoint(folder):
            raise ParameterError(f"{path}: there is no such folder or file; give a folder of images")
        return folder
    if path.is_dir() and _is_empty(path):
        raise ParameterError(f"{path} holds no files; give a folder of images")
    # Hadoop would take the colon of a relative path for the end of a scheme.
    return folder if folder.startswith("file:") else str(path)


def _is_empty(folder: Path) -> bool:
    for parent, folders, files in os.walk(folder):
        if files or any(os.path.islink(os.path.join(parent, name)) for name in folders):
            return False
    return True


def require_out(out: str, settings: SparkSettings) -> None:
    """Refuse an output file that this machine cannot write.

    Raises
    ------
    ParameterError
        When the path is a folder, or cannot be written.
    """
    if is_uri(out) or not settings.is_local():
        return
    require_local_out(out)


def require_local_out(out: str) -> None:
    """Refuse an output file that this machine cannot write, where Spark is known to run on this machine."""
    try:
        require_writable_file(Path(out))
        require_writable_folder(Path(out).parent, Path(out))  # an existing file is replaced, not written to
    except ParameterError as error:
        raise ParameterError(f"--out {error}") from None


def require_known_schemes(spark: SparkSession, *places: str) -> None:
    """Refuse places whose scheme Spark's Hadoop does not know, before any of them is read.

    Raises
    ------
    ParameterError
        When a place is not a valid URI, or there is no file system for its scheme.
    """
    from sparkvision._spark.scala_errors import scala_errors

    jvm: Any = spark._jvm
    for place in places:
        if is_uri(place):
            with scala_errors():
                jvm.sparkvision.ml.storage.FileSystems.require(place, spark._jsparkSession)


def require_table_folder(spark: SparkSession, out: str) -> None:
    """Refuse a folder that holds anything but a table that Spark wrote, because writing a table deletes the rest.

    Parameters
    ----------
    spark : SparkSession
        A classic session.
    out : str
        Where the table is to be written; a path without a scheme is on Spark's default file system.

    Raises
    ------
    ParameterError
        When the folder holds other files; the message names them. Nothing is deleted.
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
