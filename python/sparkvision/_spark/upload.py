"""Upload of bundles that only a Spark Connect client has."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from sparkvision._spark.embedded import HOME_SETTING
from sparkvision.bundle import Bundle
from sparkvision.errors import BundleError, SessionError
from sparkvision.manifest import MANIFEST


def upload(spark: SparkSession, folder: Path) -> str:
    """Copy a bundle to the model home of the server, unless the home has it.

    Parameters
    ----------
    spark
        A Spark Connect session.
    folder
        The bundle on this machine.

    Returns
    -------
    str
        The folder on the server, named by the SHA-256 of the manifest, which holds the SHA-256 of every file.

    Raises
    ------
    BundleError
        When the folder holds no bundle, or a file of it is damaged.
    SessionError
        When the server has no model home, or does not let clients write there.
    """
    bundle = Bundle.read(folder)
    home = spark.conf.get(HOME_SETTING, "")
    if not home or not home.startswith("/"):
        raise SessionError(
            f"The bundle {folder} is on this machine only, and the Spark Connect server has no place for it: "
            f"{HOME_SETTING} is {home!r}. Set it on the server to an absolute path on its default file system "
            "(sparkvision connect-server --model-home FOLDER), or copy the bundle to where the server reads it."
        )
    manifest = (folder / MANIFEST).read_bytes()
    target = f"{home.rstrip('/')}/{hashlib.sha256(manifest).hexdigest()}"
    if not _is_there(spark, f"{target}/{MANIFEST}"):
        bundle.verify_files()
        # The manifest is copied last: a bundle with a manifest is complete.
        for name in [*bundle.manifest.files, MANIFEST]:
            _copy(spark, folder / name, f"{target}/{name}")
    return target


def _is_there(spark: SparkSession, path: str) -> bool:
    try:
        return bool(spark.read.text(path).schema)
    except PySparkException:
        return False


def _copy(spark: SparkSession, file: Path, target: str) -> None:
    try:
        spark.copyFromLocalToFs(str(file), target)
    except PySparkException as error:
        raise SessionError(
            f"The Spark Connect server does not take {file} at {target}: {error} Its default file system must be one "
            "that clients may write to; for a server with local disks alone, set "
            "spark.sql.artifact.copyFromLocalToFs.allowDestLocal=true (sparkvision connect-server --model-home does)."
        ) from error
    except OSError as error:
        raise BundleError(f"{file} cannot be read: {error}") from error
