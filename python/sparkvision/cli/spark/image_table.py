"""Tables of the commands that use Spark: the images of a folder, and the file of results."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from sparkvision.cli.spark.places import is_uri, require_local_out, require_table_folder
from sparkvision.errors import ParameterError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Folder: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="FOLDER", help="images, also in sub-folders: a folder, or any URI that Spark reads"),
]

FORMATS = ("parquet", "csv", "json")


def read_folder(spark: SparkSession, folder: str) -> tuple[DataFrame, int]:
    """Return a table with the `path` of every file of a folder and its sub-folders, and the number of files.

    Spark's binaryFile source omits empty files, and names that begin with ``_`` or a dot; this table has them. Stages
    read the files in the executors.

    Raises
    ------
    ParameterError
        When there is no such folder, it cannot be listed, or it holds no files.
    """
    from pyspark.sql import DataFrame

    from sparkvision._spark.scala_errors import scala_errors

    jvm: Any = spark._jvm
    with scala_errors():
        files = jvm.sparkvision.ml.storage.ImageFiles.list(folder, spark._jsparkSession)
        return DataFrame(files.table(), spark), int(files.count())


def require_format(out: str, formats: tuple[str, ...] = FORMATS) -> str:
    """Return the format of a result by the ending of its name; refuse an unknown format before any work is done."""
    suffix = out.rstrip("/").rpartition(".")[2].lower()
    if suffix not in formats:
        raise ParameterError(f"--out {out}: its name must end in one of {', '.join('.' + name for name in formats)}")
    return suffix


def require_place(spark: SparkSession, out: str) -> None:
    """Refuse a place that cannot be written, or that holds something else, before any work is done."""
    if _is_one_file(spark, out):
        require_local_out(out)
    else:
        require_table_folder(spark, out)


def write_table(table: DataFrame, out: str) -> None:
    """Write a table in the format of its name's ending. An existing table is replaced.

    The result is one file if Spark runs on this machine and `out` is a path, else a folder, as Spark writes it.
    """
    suffix = require_format(out)
    require_place(table.sparkSession, out)
    if not _is_one_file(table.sparkSession, out):
        _write(table, suffix, out)
        return
    target = Path(out)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sparkvision", dir=target.parent) as folder:
        # A file: URI is on this machine, whatever Spark's default file system is.
        _write(table.coalesce(1), suffix, f"file://{Path(folder, 'table').absolute()}")
        (part,) = Path(folder, "table").glob(f"part-*.{suffix}")
        shutil.move(part, target)


def _is_one_file(spark: SparkSession, out: str) -> bool:
    return not is_uri(out) and str(spark.sparkContext.master).startswith("local")


def _write(table: DataFrame, suffix: str, path: str) -> None:
    options = {"csv": {"header": "true", "escape": '"'}, "json": {"ignoreNullFields": "false"}}.get(suffix, {})
    table.write.mode("overwrite").format(suffix).options(**options).save(path)
