"""Spark sessions that carry SparkVision's jars."""

from __future__ import annotations

import os
import subprocess
import warnings
from importlib.resources import files
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.utils import is_remote
from pyspark.util import is_remote_only

from sparkvision import _connect
from sparkvision.errors import ParameterError, SessionError

CPU_RUNTIME_PREFIX = "onnxruntime-"
DRIVER_MEMORY = "4g"
EXTENSIONS = "sparkvision.ml.SparkVisionExtensions"
JVM_END_SECONDS = 30


def jars(*, gpu: bool = False) -> list[Path]:
    """List the jars that Spark needs, as they lie in this installation.

    Parameters
    ----------
    gpu
        Leave out the CPU runtime; the GPU runtime comes by its Maven coordinate.

    Returns
    -------
    list of Path
        The project's jar, the decoder's natives and, unless ``gpu``, the CPU runtime.

    Raises
    ------
    SessionError
        When the installation holds no jars (a source tree that was not built).
    """
    folder = Path(str(files("sparkvision"))) / "jars"
    found = sorted(folder.glob("*.jar"))
    if not found:
        raise SessionError(
            f"There are no jars in {folder}: this is sparkvision-client, which only connects to servers, or a source "
            "tree that was not built. Install sparkvision in its place, or run scripts/quickstart in the source tree."
        )
    return [jar for jar in found if not (gpu and jar.name.startswith(CPU_RUNTIME_PREFIX))]


def gpu_runtime() -> str:
    """Give the Maven coordinate of the CUDA runtime, of the same version as the CPU's among the jars."""
    (cpu,) = (jar for jar in jars() if jar.name.startswith(CPU_RUNTIME_PREFIX))
    version = cpu.name.removeprefix(CPU_RUNTIME_PREFIX).partition("-")[0]
    return f"com.microsoft.onnxruntime:onnxruntime_gpu:{version}"


def configure(
    builder: SparkSession.Builder, *, gpu: bool = False, model: str | Path | None = None
) -> SparkSession.Builder:
    """Add what SparkVision needs to a session builder of your own.

    Parameters
    ----------
    builder
        For instance ``SparkSession.builder.master("spark://host:7077")``. Its own ``spark.jars``,
        ``spark.jars.packages`` and ``spark.sql.extensions`` are kept.
    gpu
        Use the CUDA runtime instead of the CPU's; Spark fetches it by its Maven coordinate.
    model
        A bundle: executors get memory outside the JVM's heap for it (2.5 times its size and 1 GB), unless
        ``spark.executor.memoryOverhead`` is set.

    Returns
    -------
    SparkSession.Builder
        The same builder.

    Examples
    --------
    >>> spark = sparkvision.configure(SparkSession.builder.appName("shop")).getOrCreate()
    """
    options: dict[str, Any] = builder._options
    own = ",".join(str(jar) for jar in jars(gpu=gpu))
    builder.config("spark.jars", ",".join(filter(None, [options.get("spark.jars"), own])))
    extensions = [name for name in str(options.get("spark.sql.extensions") or "").split(",") if name]
    if EXTENSIONS not in extensions:
        builder.config("spark.sql.extensions", ",".join([*extensions, EXTENSIONS]))
    if gpu:
        packages = ",".join(filter(None, [options.get("spark.jars.packages"), gpu_runtime()]))
        builder.config("spark.jars.packages", packages)
    if "spark.driver.memory" not in options:
        builder.config("spark.driver.memory", DRIVER_MEMORY)
    if model is not None and "spark.executor.memoryOverhead" not in options:
        builder.config("spark.executor.memoryOverhead", f"{_native_megabytes(Path(model))}m")
    return builder


def _native_megabytes(bundle: Path) -> int:
    if not bundle.is_dir():
        raise SessionError(f"configure(model={str(bundle)!r}): there is no such folder; give a bundle on this machine.")
    size = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
    return int(size * 2.5 / 2**20) + 1024


def start(
    *,
    gpu: bool = False,
    master: str | None = None,
    app_name: str = "SparkVision",
    model: str | Path | None = None,
    config: dict[str, str] | None = None,
    remote: str | None = None,
) -> SparkSession:
    """Start a Spark session that has SparkVision's jars, or check the one that runs.

    After ``spark.stop()`` pyspark keeps its JVM, with the jars it was launched with. Where those are not the ones asked
    for, that JVM is ended and a new one launched; objects of stopped sessions are then of no further use.

    Parameters
    ----------
    gpu
        Use the CUDA runtime instead of the CPU's.
    master
        Spark's master URL; unset: ``local[*]``, or what spark-defaults.conf says.
    app_name
        The application's name.
    model
        A bundle to reserve native memory for on executors.
    config
        Further Spark settings.
    remote
        Work over Spark Connect: the server's URL, for instance ``sc://host:15002``, or ``local[2]`` for a server that
        is started here, on port 15002, and ends with the session. Unset: what ``SPARK_REMOTE`` says.

    Returns
    -------
    SparkSession
        The active session.

    Raises
    ------
    SessionError
        When a session, a SparkContext or a server runs that was started without SparkVision's jars; when no server
        answers at ``remote``.
    ParameterError
        When ``master``, or for a running server ``gpu`` or ``model``, is given together with ``remote``.

    Warns
    -----
    UserWarning
        When a session runs already: names the settings that could not be applied to it.

    Examples
    --------
    >>> spark = sparkvision.start()
    >>> spark = sparkvision.start(remote="sc://host:15002")
    """
    asked = {"gpu": gpu, "master": master, "model": model, "config": config, "remote": remote}
    remote = remote or os.environ.get("SPARK_REMOTE")
    connecting = remote is not None and remote.startswith("sc://")
    for name in ("master", "gpu", "model") if connecting else ("master",):
        if remote and asked[name]:
            raise ParameterError(
                f"start({name}={asked[name]!r}, remote={remote!r}): {name} is a setting of the server; leave it out."
            )
    # Once pyspark speaks Spark Connect, which the environment may say too, the next line needs its libraries.
    if remote is not None or is_remote():
        _connect.require_libraries()
    running = SparkSession.getActiveSession()
    if running is not None:
        return _checked(running, [name for name, value in asked.items() if value])
    if connecting:
        return _connect.connect(str(remote), app_name, config or {})
    if is_remote_only():
        raise SessionError('sparkvision-client connects to a server: call start(remote="sc://HOST:15002").')
    _end_idle_jvm_with_other_jars(gpu)
    builder = SparkSession.builder.appName(app_name)
    if remote is not None:
        builder = builder.remote(remote)
    if master is not None:
        builder = builder.master(master)
    for key, value in (config or {}).items():
        builder = builder.config(key, value)
    spark = configure(builder, gpu=gpu, model=model).getOrCreate()
    require_jars(spark)
    return spark


def _checked(running: SparkSession, ignored: list[str]) -> SparkSession:
    """Give the session that runs already, if it has the jars; warn of what was asked for in vain."""
    if is_remote():
        _connect.require_server_jars(running)
    require_jars(running)
    if ignored:
        warnings.warn(
            f"A Spark session runs already; start() could not set {', '.join(ignored)}. "
            "Stop it (spark.stop()) and call start() again.",
            stacklevel=3,
        )
    return running


def _end_idle_jvm_with_other_jars(gpu: bool) -> None:
    """End the JVM that a stopped session left, unless it was launched with the jars that are wanted now.

    A JVM's classpath is fixed at its launch, and pyspark launches one only where it knows of none.
    """
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    process = getattr(gateway, "proc", None)
    # spark-submit's JVM is not a child of this process, and this process is part of its application.
    if process is None or SparkContext._active_spark_context is not None:
        return
    if process.poll() is None:
        launched = (gateway.jvm.java.lang.System.getProperty("spark.jars") or "").split(",")
        ours, wanted = {jar.name for jar in jars()}, {jar.name for jar in jars(gpu=gpu)}
        if ours.intersection(jar.rpartition("/")[2] for jar in launched) == wanted:
            return
        gateway.shutdown()
        process.stdin.close()  # the sign at which pyspark's JVM ends
        try:
            process.wait(JVM_END_SECONDS)
        except subprocess.TimeoutExpired:
            raise SessionError(
                "The JVM of the stopped Spark session lacks SparkVision's jars and did not end within "
                f"{JVM_END_SECONDS} s: restart Python and call sparkvision.start() first."
            ) from None
    SparkContext._gateway = SparkContext._jvm = None


def require_jars(spark: SparkSession) -> None:
    """Refuse a session whose JVM does not have SparkVision's classes.

    Over Spark Connect the server itself refuses a stage that it does not have, when it first sees one.

    Raises
    ------
    SessionError
        Naming the remedies.
    """
    if is_remote():
        return
    from py4j.java_gateway import JavaClass

    jvm = spark._jvm
    assert jvm is not None
    if not isinstance(jvm.sparkvision.ml.ImageAssembler, JavaClass):
        # Set by spark-submit: the JVM was there before Python, and no call from here gives it other jars.
        if "PYSPARK_GATEWAY_PORT" in os.environ:
            remedy = "Add to spark-submit:"
        else:
            remedy = "Stop it (spark.stop()) and call sparkvision.start(), or, with spark-submit, add"
        raise SessionError(
            f"This Spark session was started without SparkVision's jars. {remedy} "
            f"--jars {','.join(str(jar) for jar in jars())}"
        )
