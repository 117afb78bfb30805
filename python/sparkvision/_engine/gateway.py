"""The JVM that local models run in."""

from __future__ import annotations

import atexit
import os
import threading
from pathlib import Path
from typing import Any

_lock = threading.Lock()
_own: Any = None


def jvm() -> Any:
    """Return the JVM of the running Spark session, else a JVM without Spark, which ends with this process.

    A Spark Connect session has no JVM here: its JVM is the server's, perhaps on another machine.

    Raises
    ------
    SessionError
        When the session lacks SparkVision's jars, or no JVM can be started.
    """
    from pyspark.sql.utils import is_remote

    from sparkvision._spark.session import require_jars, running_session

    spark = None if is_remote() else running_session()
    if spark is not None:
        require_jars(spark)
        return spark._jvm
    global _own
    with _lock:
        # A JVM that was killed, for memory perhaps, is replaced. The models that were open in it are lost.
        if _own is None or _own.java_process.poll() is not None:
            _own = _launch()
        return _own.jvm


def _launch() -> Any:
    """Start a JVM with SparkVision's jars and, from pyspark, the few libraries that the engine needs."""
    from sparkvision._spark.jars import jars
    from sparkvision.errors import SessionError

    engine_jars = jars()  # first: sparkvision-client has neither jars nor py4j
    from py4j.java_gateway import JavaGateway

    spark_jars = _spark_jars()
    needed = ["scala-library-*", "jackson-core-2*", "jackson-databind-*", "jackson-annotations-*", "slf4j-api-*"]
    libraries = [jar for pattern in needed for jar in sorted(spark_jars.glob(f"{pattern}.jar"))]
    (py4j,) = spark_jars.glob("py4j-*.jar")
    try:
        gateway = JavaGateway.launch_gateway(
            jarpath=str(py4j),
            classpath=os.pathsep.join(str(jar) for jar in [*engine_jars, *libraries]),
            die_on_exit=True,
            javaopts=["-XX:+UseSerialGC"],
            create_new_process_group=True,  # this process handles Ctrl-C; the JVM ends with this process
            java_path=None,  # JAVA_HOME's java if that is set, else the PATH's, as Spark does
            enable_auth=True,  # the port is open to every user of this machine
        )
    except OSError as error:
        raise SessionError(
            f"No JVM could be started ({error}): install Java 17, and set JAVA_HOME to it or put java on the PATH."
        ) from error
    atexit.register(gateway.shutdown)
    return gateway


def _spark_jars() -> Path:
    """Find Spark's jars: beside pyspark, or in SPARK_HOME if a Python worker of Spark imports pyspark from a zip."""
    import pyspark

    from sparkvision.errors import SessionError

    places = [Path(pyspark.__file__).parent, *map(Path, filter(None, [os.environ.get("SPARK_HOME")]))]
    for place in places:
        if list((place / "jars").glob("py4j-*.jar")):
            return place / "jars"
    raise SessionError(f"There are no Spark jars in {' or '.join(map(str, places))}: set SPARK_HOME to Spark's folder.")
