"""Spark sessions that carry SparkVision's jars."""

from __future__ import annotations

import os
import subprocess
import warnings
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.utils import is_remote
from pyspark.util import is_remote_only

from sparkvision._spark import connect
from sparkvision._spark import cuda
from sparkvision._spark import runtimes
from sparkvision._spark.jars import Gpu as Gpu
from sparkvision._spark.jars import cuda_generation, gpu_runtime
from sparkvision._spark.jars import jars as jars
from sparkvision.errors import ParameterError, SessionError

DRIVER_MEMORY = "4g"
EXTENSIONS = "sparkvision.ml.SparkVisionExtensions"
JVM_END_SECONDS = 30


def configure(
    builder: SparkSession.Builder,
    *,
    gpu: Gpu = False,
    onednn: bool | str | Path = False,
    model: str | Path | None = None,
) -> SparkSession.Builder:
    """Add what SparkVision needs to a session builder of your own.

    Parameters
    ----------
    builder
        For instance ``SparkSession.builder.master("spark://host:7077")``. Its own ``spark.jars``,
        ``spark.jars.packages`` and ``spark.sql.extensions`` are kept.
    gpu
        Use a CUDA runtime instead of the CPU's: ``"cuda12"``, which Spark fetches by its Maven coordinate;
        ``"cuda13"``, fetched here; or True for the one whose libraries this machine has, else ``"cuda12"``.
    onednn
        Use the runtime with oneDNN instead: True fetches its jars, once, from Maven Central (through
        ``spark.jars.ivySettings``, if set); a path names a folder that holds them.
    model
        A bundle: executors get memory outside the JVM's heap for it (2.5 times its size and 1 GB), unless
        ``spark.executor.memoryOverhead`` is set.

    Returns
    -------
    SparkSession.Builder
        The same builder.

    Raises
    ------
    SessionError
        When a runtime's jars cannot be fetched, or the folder lacks some.
    ParameterError
        When both ``gpu`` and ``onednn`` are asked for.

    Warns
    -----
    UserWarning
        When this machine lacks libraries that the CUDA runtime needs: names them, and what to do.

    Examples
    --------
    >>> spark = sparkvision.configure(SparkSession.builder.appName("shop")).getOrCreate()
    """
    options: dict[str, Any] = builder._options
    runtime = jars(gpu=gpu, onednn=onednn, ivy_settings=options.get("spark.jars.ivySettings"))
    own = ",".join(str(jar) for jar in runtime)
    builder.config("spark.jars", ",".join(filter(None, [options.get("spark.jars"), own])))
    extensions = [name for name in str(options.get("spark.sql.extensions") or "").split(",") if name]
    if EXTENSIONS not in extensions:
        builder.config("spark.sql.extensions", ",".join([*extensions, EXTENSIONS]))
    if gpu:
        _configure_cuda(builder, cuda_generation(gpu))
    if "spark.driver.memory" not in options:
        builder.config("spark.driver.memory", DRIVER_MEMORY)
    if model is not None and "spark.executor.memoryOverhead" not in options:
        builder.config("spark.executor.memoryOverhead", f"{_native_megabytes(Path(model))}m")
    return builder


def _configure_cuda(builder: SparkSession.Builder, generation: str) -> None:
    options: dict[str, Any] = builder._options
    if generation == "cuda12":
        packages = ",".join(filter(None, [options.get("spark.jars.packages"), gpu_runtime()]))
        builder.config("spark.jars.packages", packages)
    else:
        # This runtime has no setting for it, and TF32 is not exact. NVIDIA's libraries read the variable.
        builder.config("spark.executorEnv.NVIDIA_TF32_OVERRIDE", "0")
        os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")  # for tasks of local mode, in the JVM that starts next
    # Executors may be other machines than this one, so this is no error.
    problem = cuda.problem(generation)
    if problem:
        warnings.warn(f"{problem} Where executors lack it too, executionProvider=cuda fails there.", stacklevel=4)


def _native_megabytes(bundle: Path) -> int:
    if not bundle.is_dir():
        raise SessionError(f"configure(model={str(bundle)!r}): there is no such folder; give a bundle on this machine.")
    size = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
    return int(size * 2.5 / 2**20) + 1024


def start(
    *,
    gpu: Gpu = False,
    onednn: bool | str | Path = False,
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
        Use a CUDA runtime instead of the CPU's: True, ``"cuda12"`` or ``"cuda13"``, as for `configure`.
    onednn
        Use the runtime with oneDNN instead: True, or a folder that holds its jars, as for `configure`.
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
        answers at ``remote``; when a runtime's jars cannot be fetched.
    ParameterError
        When ``master``, or for a running server ``gpu``, ``onednn`` or ``model``, is given together with ``remote``;
        when both ``gpu`` and ``onednn`` are asked for.

    Warns
    -----
    UserWarning
        When a session runs already: names the settings that could not be applied to it. When this machine lacks
        libraries that the CUDA runtime needs.

    Examples
    --------
    >>> spark = sparkvision.start()
    >>> spark = sparkvision.start(remote="sc://host:15002")
    """
    asked = {"gpu": gpu, "onednn": onednn, "master": master, "model": model, "config": config, "remote": remote}
    remote = remote or os.environ.get("SPARK_REMOTE")
    connecting = remote is not None and remote.startswith("sc://")
    for name in ("master", "gpu", "onednn", "model") if connecting else ("master",):
        if remote and asked[name]:
            raise ParameterError(
                f"start({name}={asked[name]!r}, remote={remote!r}): {name} is a setting of the server; leave it out."
            )
    # Once pyspark speaks Spark Connect, which the environment may say too, the next line needs its libraries.
    if remote is not None or is_remote():
        connect.require_libraries()
    running = running_session()
    if running is not None:
        return _checked(running, [name for name, value in asked.items() if value])
    if connecting:
        return connect.connect(str(remote), app_name, config or {})
    if is_remote_only():
        raise SessionError('sparkvision-client connects to a server: call start(remote="sc://HOST:15002").')
    settings = config or {}
    _end_idle_jvm_with_other_jars(jars(gpu=gpu, onednn=onednn, ivy_settings=settings.get("spark.jars.ivySettings")))
    builder = SparkSession.builder.appName(app_name)
    if remote is not None:
        builder = builder.remote(remote)
    if master is not None:
        builder = builder.master(master)
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = configure(builder, gpu=gpu, onednn=onednn, model=model).getOrCreate()
    require_jars(spark)
    return spark


def running_session() -> SparkSession | None:
    """Give the session that is meant where none is named; None when none runs.

    It is this thread's active session, else the one that all threads share, as `SparkSession.active` has it. One that
    was stopped is none. Over Spark Connect it is made the thread's active session: pyspark's own code for ML asks for
    that one alone, and fails with an empty AssertionError in a thread that has none.
    """
    if is_remote():
        return connect.running_session()
    try:
        session = SparkSession.active()
    except PySparkException:  # pyspark's way to say that there is none
        return None
    # Stopped by SparkContext.stop, of which the session is not told, or on the JVM's side.
    context = session.sparkContext._jsc
    return None if context is None or context.sc().isStopped() else session


def require_session() -> SparkSession:
    """Give the session that is meant where none is named.

    Raises
    ------
    SessionError
        When none runs.
    """
    session = running_session()
    if session is None:
        raise SessionError("There is no Spark session: call sparkvision.start() first.")
    return session


def _checked(running: SparkSession, ignored: list[str]) -> SparkSession:
    """Give the session that runs already, if it has the jars; warn of what was asked for in vain."""
    if is_remote():
        connect.require_server_jars(running)
    require_jars(running)
    if ignored:
        warnings.warn(
            f"A Spark session runs already; start() could not set {', '.join(ignored)}. "
            "Stop it (spark.stop()) and call start() again.",
            stacklevel=3,
        )
    return running


def _end_idle_jvm_with_other_jars(wanted: list[Path]) -> None:
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
        every = (*jars(), *wanted, *(Path(jar.file_name) for jar in (*runtimes.ONEDNN, *runtimes.CUDA_13)))
        ours = {jar.name for jar in every}
        if ours.intersection(jar.rpartition("/")[2] for jar in launched) == {jar.name for jar in wanted}:
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
