"""The checks of `sparkvision doctor`, a function per check."""

from __future__ import annotations

import importlib.util
import io
import os
import platform
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.cli.spark.start_checks import Check as Check
from sparkvision.cli.spark.start_checks import java as java
from sparkvision.cli.spark.start_checks import reachable as reachable
from sparkvision.errors import SessionError, SparkVisionError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# The glibc of the platform tag in hatch_build.py, which the natives need.
GLIBC = (2, 35)
# The oldest Spark that works, and the newest that was tried; a test compares them with docs/compatibility.jsonl.
OLDEST_SPARK = (4, 0, 1)
NEWEST_SPARK = (4, 3, 0)
# start() sets 4 GB for Spark's driver.
GIBIBYTES = 4
JOB_SECONDS = 90


def of(master: str | None, conf: list[str] | None) -> Iterator[Check]:
    """Run all checks. Spark is started last, and only if no check before has failed."""
    settings = SparkSettings.of(master, conf)
    ready = True
    for check in (java, spark, jars, glibc, memory, gpu, export):
        found = check()
        ready = ready and found.state != "fix"
        yield found
    if settings.master is not None:
        found = reachable(settings.master)
        ready = ready and found.state != "fix"
        yield found
    if ready:
        yield from labelling(SparkSettings.of(master, conf, default="local[*]"))


def spark() -> Check:
    """Check the version of pyspark."""
    import pyspark

    found = f"pyspark {pyspark.__version__}"
    oldest, newest = (".".join(map(str, version)) for version in (OLDEST_SPARK, NEWEST_SPARK))
    numbers = tuple(int(number) for number in re.findall(r"\d+", pyspark.__version__)[:3])
    if not OLDEST_SPARK <= numbers < (5,):
        return Check("Spark", "fix", found, f"pip install 'pyspark>={oldest},<5'")
    if numbers > NEWEST_SPARK:
        tried = f"SparkVision was tried with {oldest} to {newest}"
        remedy = f"{tried}; where this one fails, pip install 'pyspark<={newest}'"
        return Check("Spark", "information", f"{found}, newer than any that was tried", remedy)
    return Check("Spark", "ok", found)


def jars() -> Check:
    """Check that the package has its jars."""
    from sparkvision._spark.jars import jars

    try:
        found = jars()
    except SessionError as error:
        return Check("jars", "fix", "none", str(error))
    return Check("jars", "ok", f"{len(found)} in {found[0].parent}")


def glibc() -> Check:
    """Check the C library, which the native libraries in the jars need."""
    name, version = platform.libc_ver()
    newest = ".".join(map(str, GLIBC))
    if name != "glibc" or tuple(int(number) for number in re.findall(r"\d+", version)[:2]) < GLIBC:
        found = f"{name} {version}".strip() or "not glibc"
        return Check(
            "C library", "fix", found, f"use a Linux with glibc {newest} or newer, as Debian 12 or Ubuntu 22.04"
        )
    return Check("C library", "ok", f"glibc {version}")


def memory() -> Check:
    """Check the memory of this machine."""
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = f"{gibibytes:.1f} GiB, {os.cpu_count()} cores"
    if gibibytes < GIBIBYTES:
        return Check("memory", "information", found, "lower spark.driver.memory: start() sets 4g for the driver")
    return Check("memory", "ok", found)


def gpu() -> Check:
    """Look for an NVIDIA GPU, and for the libraries that its runtime needs."""
    from sparkvision._spark import cuda

    command = shutil.which("nvidia-smi")
    listed = subprocess.run([command, "-L"], capture_output=True, text=True) if command else None
    if listed is None or listed.returncode != 0:
        return Check("GPU", "information", "no NVIDIA GPU found: models run on the CPU")
    names = "; ".join(line.partition(" (UUID")[0] for line in listed.stdout.splitlines())
    missing = cuda.problem(cuda.choose(cuda.libraries()))
    return Check("GPU", "information", names, missing or "sparkvision.start(gpu=True) uses it")


def export() -> Check:
    """Look for the libraries of `sparkvision export`."""
    missing = [name for name in ("torch", "transformers", "optimum", "onnx", "onnxruntime") if not _installed(name)]
    if missing:
        return Check("export", "information", f"lacks {', '.join(missing)}", "pip install 'sparkvision[export]'")
    return Check("export", "ok", "its libraries are installed")


def labelling(settings: SparkSettings) -> Iterator[Check]:
    """Label an image with the embedded model on Spark's executors: by a stage, by the SQL function, and counted."""
    from sparkvision.cli.spark.session import spark_session

    start = time.monotonic()
    what = f"labelling on {settings.master}"
    step, error = "Spark's start", None
    try:
        with spark_session(settings) as session:
            jvm: Any = session._jvm
            providers = [str(name) for name in jvm.ai.onnxruntime.OrtEnvironment.getAvailableProviders()]
            yield Check("execution providers", "information", ", ".join(providers))
            table = _one_image(session)
            steps = {"the stage": _by_stage, "the SQL function": _by_sql, "the metrics": _counted}
            for step in steps:
                error = _reason(session, steps[step](session, table))
                if error:
                    break
    except (SparkVisionError, RuntimeError) as refused:
        error = str(refused)
    if error:
        remedy = "see the reason; where no executor took the job, free cores or memory for it (spark.cores.max)"
        yield Check(what, "fix", f"{step}: {error}", remedy)
    else:
        seconds = time.monotonic() - start
        yield Check(what, "ok", f"works, by a stage and in SQL: {seconds:.0f} s with Spark's start")


def _one_image(session: SparkSession) -> DataFrame:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (32, 32), "white").save(file, "PNG")
    # createDataFrame would start a Python worker with the PATH's Python, which labelling does not need.
    return session.sql(f"SELECT X'{file.getvalue().hex()}' AS content")


def _by_stage(session: SparkSession, table: DataFrame) -> DataFrame:
    from sparkvision.ml import ViTForImageClassification

    stage = ViTForImageClassification.pretrained().setInputCols(["content"]).setOutputCol("class").setErrorCol("error")
    return stage.transform(table).select("error")


def _by_sql(session: SparkSession, table: DataFrame) -> DataFrame:
    from sparkvision.sql import enable_functions

    enable_functions(session)
    return table.selectExpr("sparkvision_predict(content, 'embedded:digits').error AS error")


def _counted(session: SparkSession, table: DataFrame) -> DataFrame:
    """Return a query whose error says what is wrong, unless both images have been counted."""
    from sparkvision._spark.metrics import metrics

    counted = metrics(session).selectExpr("coalesce(sum(images), 0) AS n")
    return counted.selectExpr("CASE WHEN n < 2 THEN concat('counted ', n, ' of 2 images') END AS error")


def _reason(session: SparkSession, labelled: DataFrame) -> str | None:
    """Run a query of one row; return the reason why the image has no label, or None if it has one."""
    # On a cluster without free cores the job would never start.
    timer = threading.Timer(JOB_SECONDS, session.sparkContext.cancelAllJobs)
    timer.start()
    try:
        (row,) = labelled.collect()
    finally:
        timer.cancel()
    error: str | None = row.error
    return error


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
