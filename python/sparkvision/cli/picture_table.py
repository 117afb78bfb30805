"""Tables of the commands that use Spark: a folder's pictures in, and results out to a file."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from sparkvision.cli.local_places import is_uri, require_local_out
from sparkvision.cli.spark_folder import require_own_or_new
from sparkvision.errors import ParameterError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Folder: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="FOLDER", help="pictures, also in sub-folders: a folder, or any URI that Spark reads"),
]

FORMATS = ("parquet", "csv", "json")


def read_folder(spark: SparkSession, folder: str) -> tuple[DataFrame, int]:
    """Give a column `path` of every file of a folder and its sub-folders, whatever their names, and their number.

    Spark's binaryFile leaves out empty files, and names that begin with ``_`` or a dot. Stages read the files in the
    executors.

    Raises
    ------
    ParameterError
        When there is no such folder, it cannot be listed, or it holds no files.
    """
    from pyspark.sql import DataFrame

    from sparkvision._spark.stage import scala_errors

    jvm: Any = spark._jvm
    with scala_errors():
        files = jvm.sparkvision.ml.storage.ImageFiles.list(folder, spark._jsparkSession)
        return DataFrame(files.table(), spark), int(files.count())


def require_format(out: str, formats: tuple[str, ...] = FORMATS) -> str:
    """Tell the format by the ending of a file's name, before any work is done."""
    suffix = out.rstrip("/").rpartition(".")[2].lower()
    if suffix not in formats:
        raise ParameterError(f"--out {out}: its name must end in one of {', '.join('.' + name for name in formats)}")
    return suffix


def require_place(spark: SparkSession, out: str) -> None:
    """Refuse a place where the result cannot be written, or holds something else, before any work is done."""
    if _is_one_file(spark, out):
        require_local_out(out)
    else:
        require_own_or_new(spark, out)


def write_table(table: DataFrame, out: str) -> None:
    """Write a table in the format that its name's ending says; what is there is replaced.

    One file where Spark runs on this machine and `out` is a path; else a folder, as Spark writes it.
    """
    suffix = require_format(out)
    require_place(table.sparkSession, out)
    if not _is_one_file(table.sparkSession, out):
        _write(table, suffix, out)
        return
    target = Path(out)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sparkvision", dir=target.parent) as folder:
        # Of this machine, whatever Spark's default file system is.
        _write(table.coalesce(1), suffix, f"file://{Path(folder, 'table').absolute()}")
        (part,) = Path(folder, "table").glob(f"part-*.{suffix}")
        shutil.move(part, target)


def _is_one_file(spark: SparkSession, out: str) -> bool:
    return not is_uri(out) and str(spark.sparkContext.master).startswith("local")


def _write(table: DataFrame, suffix: str, path: str) -> None:
    options = {"csv": {"header": "true", "escape": '"'}, "json": {"ignoreNullFields": "false"}}.get(suffix, {})
    table.write.mode("overwrite").format(suffix).options(**options).save(path)
