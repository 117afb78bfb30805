"""What `sparkvision doctor` looks at, a function a check."""

from __future__ import annotations

import importlib.util
import io
import os
import platform
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from sparkvision.errors import SessionError, SparkVisionError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

JAVA = 17
# What hatch_build.py's platform tag says of the natives.
GLIBC = (2, 35)
# The oldest Spark that works, and the newest that was tried; a test compares them with docs/compatibility.jsonl.
OLDEST_SPARK = (4, 0, 1)
NEWEST_SPARK = (4, 3, 0)
# start() gives Spark's driver 4 GB.
GIBIBYTES = 4
CONNECT_SECONDS = 5
JOB_SECONDS = 90


@dataclass(frozen=True)
class Check:
    """What was looked at and found.

    Attributes
    ----------
    what : str
        The thing that was checked.
    state : "ok", "fix" or "information"
        Information never hinders labelling on the CPU.
    found : str
        What is there.
    remedy : str
        What to do, where there is something to do.
    """

    what: str
    state: Literal["ok", "fix", "information"]
    found: str
    remedy: str = ""


def of(master: str | None, conf: list[str] | None) -> Iterator[Check]:
    """Check all there is to check. Spark is started last, and only where nothing hinders it."""
    ready = True
    for check in (java, spark, jars, glibc, memory, gpu, export):
        found = check()
        ready = ready and found.state != "fix"
        yield found
    if master is not None:
        found = reachable(master)
        ready = ready and found.state != "fix"
        yield found
    if ready:
        yield from labelling(master or "local[*]", conf)


def java() -> Check:
    """Look for the Java that Spark starts: JAVA_HOME's, else the PATH's."""
    home = os.environ.get("JAVA_HOME")
    command = str(Path(home, "bin", "java")) if home else "java"
    remedy = f"install Java {JAVA} or newer, and set JAVA_HOME to it or put java on the PATH"
    try:
        told = subprocess.run([command, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError) as error:
        return Check("Java", "fix", f"{command} cannot be run: {error}", remedy)
    version = re.search(r'version "(\d+)[^"]*"', told)
    if version is None or int(version[1]) < JAVA:
        return Check("Java", "fix", told.partition("\n")[0], remedy)
    return Check("Java", "ok", version[0])


def spark() -> Check:
    """Look at pyspark's version."""
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
    """Look for the package's own jars."""
    from sparkvision._session import jars

    try:
        found = jars()
    except SessionError as error:
        return Check("jars", "fix", "none", str(error))
    return Check("jars", "ok", f"{len(found)} in {found[0].parent}")


def glibc() -> Check:
    """Look at the C library, which the native libraries in the jars need."""
    name, version = platform.libc_ver()
    newest = ".".join(map(str, GLIBC))
    if name != "glibc" or tuple(int(number) for number in re.findall(r"\d+", version)[:2]) < GLIBC:
        found = f"{name} {version}".strip() or "not glibc"
        return Check(
            "C library", "fix", found, f"use a Linux with glibc {newest} or newer, as Debian 12 or Ubuntu 22.04"
        )
    return Check("C library", "ok", f"glibc {version}")


def memory() -> Check:
    """Look at this machine's memory."""
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = f"{gibibytes:.1f} GiB, {os.cpu_count()} cores"
    if gibibytes < GIBIBYTES:
        return Check("memory", "information", found, "lower spark.driver.memory: start() sets 4g for the driver")
    return Check("memory", "ok", found)


def gpu() -> Check:
    """Look for an NVIDIA GPU, and for what its runtime needs."""
    from sparkvision import _cuda

    command = shutil.which("nvidia-smi")
    told = subprocess.run([command, "-L"], capture_output=True, text=True) if command else None
    if told is None or told.returncode != 0:
        return Check("GPU", "information", "no NVIDIA GPU found: models run on the CPU")
    names = "; ".join(line.partition(" (UUID")[0] for line in told.stdout.splitlines())
    missing = _cuda.problem(_cuda.choose(_cuda.libraries()))
    return Check("GPU", "information", names, missing or "sparkvision.start(gpu=True) uses it")


def export() -> Check:
    """Look for the libraries of `sparkvision export`."""
    missing = [name for name in ("torch", "transformers", "optimum", "onnx", "onnxruntime") if not _installed(name)]
    if missing:
        return Check("export", "information", f"lacks {', '.join(missing)}", "pip install 'sparkvision[export]'")
    return Check("export", "ok", "its libraries are installed")


def reachable(master: str) -> Check:
    """Knock at a standalone master's port; Spark itself would go on trying for a minute."""
    if not master.startswith("spark://"):
        return Check("master", "information", f"{master}: tried below")
    found = ""
    # Masters that stand by for one another are named together, spark://one:7077,two:7077; one of them leads.
    for address in master.removeprefix("spark://").split(","):
        try:
            url = urlsplit(f"spark://{address}")
            socket.create_connection((url.hostname or "", url.port or 7077), CONNECT_SECONDS).close()
            return Check("master", "ok", f"{master} answers")
        except (OSError, ValueError) as error:  # ValueError: a port that is no number
            found = f"{master} does not answer: {error}"
    return Check("master", "fix", found, "check the host, the port and the firewall, or start a master there")


def labelling(master: str, conf: list[str] | None) -> Iterator[Check]:
    """Label an image with the embedded model on Spark's executors: by a stage, by the SQL function, and counted."""
    from sparkvision.cli.spark_session import spark_session

    start = time.monotonic()
    what = f"labelling on {master}"
    step, error = "Spark's start", None
    try:
        with spark_session(master, conf) as session:
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
    # createDataFrame would start a Python worker, which labelling does not need, with the Python that the PATH has.
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
    """Say what is wrong unless both have been counted."""
    from sparkvision import metrics

    counted = metrics(session).selectExpr("coalesce(sum(pictures), 0) AS n")
    return counted.selectExpr("CASE WHEN n < 2 THEN concat('counted ', n, ' of 2 images') END AS error")


def _reason(session: SparkSession, labelled: DataFrame) -> str | None:
    """Run a query of one row; give the reason why the image has no label, None when it has one."""
    # A cluster without free cores would never begin.
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
