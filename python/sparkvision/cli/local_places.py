"""Folders and files that a command is given, looked at before Spark starts where they are surely on this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision._output_place import require_writable_file, require_writable_folder
from sparkvision.errors import ParameterError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from sparkvision.cli.spark_settings import SparkSettings

# Hadoop decodes nothing in what follows.
_FILE_SCHEME = re.compile("^file:(//[^/]*)?")
# Of Hadoop's patterns, as s3a://lake/2024-*.
_PATTERN = set("*?[{")


def is_uri(place: str) -> bool:
    """Tell a URI from a path and from a model's name."""
    return ":/" in place


def on_this_machine(place: str, settings: SparkSettings) -> Path | None:
    """Give the path of a place that is surely on this machine, else None: then Spark has to be asked."""
    if place.startswith("file:/"):
        return Path(_FILE_SCHEME.sub("", place))
    # As Hadoop reads it, a scheme ends at a colon before the first slash. A folder may have such a name all the same.
    if ":" in place.partition("/")[0] and not os.path.lexists(place):
        return None
    return Path(place).absolute() if settings.is_local() else None


def require_folder(folder: str, settings: SparkSettings) -> str:
    """Give a folder as Hadoop is to read it; refuse one that is surely missing, or holds no files.

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
    """Refuse a result's name under which this machine cannot write one file.

    Raises
    ------
    ParameterError
        When it is a folder, or cannot be written.
    """
    if is_uri(out) or not settings.is_local():
        return
    require_local_out(out)


def require_local_out(out: str) -> None:
    """Do the same where Spark is known to run on this machine."""
    try:
        require_writable_file(Path(out))
        require_writable_folder(Path(out).parent, Path(out))  # a file that is there is replaced, not written to
    except ParameterError as error:
        raise ParameterError(f"--out {error}") from None


def require_known_schemes(spark: SparkSession, *places: str) -> None:
    """Refuse places of a scheme that Spark's Hadoop does not know, before any of them is read.

    Raises
    ------
    ParameterError
        When a place is no URI, or there is no file system for its scheme.
    """
    from sparkvision._spark.stage import scala_errors

    jvm: Any = spark._jvm
    for place in places:
        if is_uri(place):
            with scala_errors():
                jvm.sparkvision.ml.storage.FileSystems.require(place, spark._jsparkSession)
