"""`start` and `configure`: Spark sessions that carry SparkVision's jars."""

from __future__ import annotations

import os
import subprocess
import warnings
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.utils import is_remote
from pyspark.util import is_remote_only

from sparkvision._spark import connect, cuda, runtimes
from sparkvision._spark.jars import Gpu, cuda_generation, gpu_runtime, jars
from sparkvision._spark.session import EXTENSIONS, require_jars, running_session
from sparkvision.errors import ParameterError, SessionError

DRIVER_MEMORY = "4g"
JVM_END_SECONDS = 30


def configure(
    builder: SparkSession.Builder,
    *,
    gpu: Gpu = False,
    onednn: bool | str | Path = False,
    memory_for: str | Path | None = None,
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
    memory_for
        The folder of a bundle: executors get memory outside the JVM's heap for this model (2.5 times its size and
        1 GB), unless ``spark.executor.memoryOverhead`` is set.

    Returns
    -------
    SparkSession.Builder
        The same builder.

    Raises
    ------
    SessionError
        When a runtime's jars cannot be fetched, or the folder lacks some.
    ParameterError
        When both ``gpu`` and ``onednn`` are given, or the folder ``memory_for`` does not exist.

    Warns
    -----
    UserWarning
        When this machine lacks libraries that the CUDA runtime needs. The warning names them and the remedy.

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
    if memory_for is not None and "spark.executor.memoryOverhead" not in options:
        builder.config("spark.executor.memoryOverhead", f"{_native_megabytes(Path(memory_for))}m")
    return builder


def _configure_cuda(builder: SparkSession.Builder, generation: str) -> None:
    options: dict[str, Any] = builder._options
    if generation == "cuda12":
        packages = ",".join(filter(None, [options.get("spark.jars.packages"), gpu_runtime()]))
        builder.config("spark.jars.packages", packages)
    else:
        # TF32 is not exact, and this runtime has no setting that turns it off. NVIDIA's libraries read this variable.
        builder.config("spark.executorEnv.NVIDIA_TF32_OVERRIDE", "0")
        os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")  # for tasks of local mode, in the JVM that starts next
    # Executors may run on other machines, so missing libraries on this machine are no error.
    problem = cuda.problem(generation)
    if problem:
        warnings.warn(f"{problem} Where executors lack it too, executionProvider=cuda fails there.", stacklevel=4)


def _native_megabytes(bundle: Path) -> int:
    if not bundle.is_dir():
        raise ParameterError(
            f"memory_for={str(bundle)!r}: there is no such folder; give the folder of a bundle on this machine."
        )
    size = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
    return int(size * 2.5 / 2**20) + 1024


def start(
    *,
    gpu: Gpu = False,
    onednn: bool | str | Path = False,
    master: str | None = None,
    app_name: str = "SparkVision",
    memory_for: str | Path | None = None,
    config: dict[str, str] | None = None,
    remote: str | None = None,
) -> SparkSession:
    """Start a Spark session that has SparkVision's jars, or check the one that runs.

    After ``spark.stop()`` pyspark keeps its JVM, with the jars that the JVM was launched with. If these are not the
    requested jars, `start` ends the JVM and launches a new one. Objects of stopped sessions cannot be used afterwards.

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
    memory_for
        The folder of a bundle for which executors reserve memory outside the JVM's heap, as for `configure`.
    config
        Further Spark settings.
    remote
        The URL of a Spark Connect server, for instance ``sc://host:15002``, or ``local[2]`` for a server that is
        started on this machine, on port 15002, and ends with the session. Default: the variable ``SPARK_REMOTE``.

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
        When ``master``, or for a running server ``gpu``, ``onednn`` or ``memory_for``, is given together with
        ``remote``; when both ``gpu`` and ``onednn`` are given; when the folder ``memory_for`` does not exist.

    Warns
    -----
    UserWarning
        When a session runs already: the warning names the settings that could not be applied to it. When this machine
        lacks libraries that the CUDA runtime needs.

    Examples
    --------
    >>> spark = sparkvision.start()
    >>> spark = sparkvision.start(remote="sc://host:15002")
    """
    given = {
        **{"gpu": gpu, "onednn": onednn, "master": master, "memory_for": memory_for},
        **{"config": config, "remote": remote},
    }
    remote = remote or os.environ.get("SPARK_REMOTE")
    connecting = remote is not None and remote.startswith("sc://")
    for name in ("master", "gpu", "onednn", "memory_for") if connecting else ("master",):
        if remote and given[name]:
            raise ParameterError(
                f"start({name}={given[name]!r}, remote={remote!r}): {name} is a setting of the server; omit it."
            )
    # running_session() needs the libraries of Spark Connect if the environment variables of pyspark select it.
    if remote is not None or is_remote():
        connect.require_libraries()
    running = running_session()
    if running is not None:
        return _checked(running, [name for name, value in given.items() if value])
    if connecting:
        spark = connect.connect(str(remote), app_name, config or {})
        _require_server_jars(spark)
        return spark
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
    spark = configure(builder, gpu=gpu, onednn=onednn, memory_for=memory_for).getOrCreate()
    require_jars(spark)
    return spark


def _checked(running: SparkSession, ignored: list[str]) -> SparkSession:
    """Return the running session if it has the jars; warn about settings that cannot be applied to it."""
    if is_remote():
        _require_server_jars(running)
    require_jars(running)
    if ignored:
        warnings.warn(
            f"A Spark session runs already; start() could not set {', '.join(ignored)}. "
            "Stop it (spark.stop()) and call start() again.",
            stacklevel=3,
        )
    return running


def _require_server_jars(spark: SparkSession) -> None:
    """Refuse a Spark Connect server that cannot run SparkVision's stages.

    Raises
    ------
    SessionError
        When the server lacks SparkVision's jars; the message names the remedy.
    """
    from sparkvision.ml import ImageAssembler

    ImageAssembler().transform(spark.range(0).selectExpr("cast(null as binary) content"))


def _end_idle_jvm_with_other_jars(wanted: list[Path]) -> None:
    """End the JVM of a stopped session, unless it was launched with the wanted jars.

    The classpath of a JVM is fixed at its launch, and pyspark launches a JVM only if it has none.
    """
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    process = getattr(gateway, "proc", None)
    # Under spark-submit the JVM is not a child process: this process is part of the JVM's application.
    if process is None or SparkContext._active_spark_context is not None:
        return
    if process.poll() is None:
        launched = (gateway.jvm.java.lang.System.getProperty("spark.jars") or "").split(",")
        every = (*jars(), *wanted, *(Path(jar.file_name) for jar in (*runtimes.ONEDNN, *runtimes.CUDA_13)))
        ours = {jar.name for jar in every}
        if ours.intersection(jar.rpartition("/")[2] for jar in launched) == {jar.name for jar in wanted}:
            return
        gateway.shutdown()
        process.stdin.close()  # pyspark's JVM ends when its standard input is closed
        try:
            process.wait(JVM_END_SECONDS)
        except subprocess.TimeoutExpired:
            raise SessionError(
                "The JVM of the stopped Spark session lacks SparkVision's jars and did not end within "
                f"{JVM_END_SECONDS} s: restart Python and call sparkvision.start() first."
            ) from None
    SparkContext._gateway = SparkContext._jvm = None
