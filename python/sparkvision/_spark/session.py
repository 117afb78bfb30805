"""The running Spark session, and whether it has SparkVision's jars."""

from __future__ import annotations

import os
from typing import Any, cast

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.utils import is_remote

from sparkvision._spark.jars import jars
from sparkvision.errors import SessionError

EXTENSIONS = "sparkvision.ml.SparkVisionExtensions"


def running_session() -> SparkSession | None:
    """Return the session that functions without a session argument use, or None if no session runs.

    That is this thread's active session, else the session that all threads share, as for `SparkSession.active`. A
    stopped session does not count. A Spark Connect session becomes the thread's active session, because pyspark's own
    code for ML accepts no other and fails with an empty AssertionError in a thread without one.
    """
    if is_remote():
        return _running_connect_session()
    try:
        session = SparkSession.active()
    except PySparkException:  # pyspark's way to say that there is none
        return None
    # SparkContext.stop does not notify the session, and the JVM may have stopped the context by itself.
    context = session.sparkContext._jsc
    return None if context is None or context.sc().isStopped() else session


def require_session() -> SparkSession:
    """Return the running session.

    Raises
    ------
    SessionError
        When no session runs.
    """
    session = running_session()
    if session is None:
        raise SessionError("There is no Spark session: call sparkvision.start() first.")
    return session


def _running_connect_session() -> SparkSession | None:
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    try:
        session: Any = ConnectSession.active()
    except PySparkException:  # raised when there is no session
        return None
    ConnectSession._active_session.session = session
    return cast(SparkSession, session)


def require_jars(spark: SparkSession) -> None:
    """Refuse a session whose JVM does not have SparkVision's classes.

    Over Spark Connect nothing is checked here: the server refuses the first stage that it does not have.

    Raises
    ------
    SessionError
        When the classes are missing; the message names the remedies.
    """
    if is_remote():
        return
    from py4j.java_gateway import JavaClass

    jvm = spark._jvm
    assert jvm is not None
    if not isinstance(jvm.sparkvision.ml.ImageAssembler, JavaClass):
        # spark-submit sets this variable: it started the JVM before Python, so start() cannot add jars to the JVM.
        if "PYSPARK_GATEWAY_PORT" in os.environ:
            remedy = "Add to spark-submit:"
        else:
            remedy = "Stop it (spark.stop()) and call sparkvision.start(), or, with spark-submit, add"
        raise SessionError(
            f"This Spark session was started without SparkVision's jars. {remedy} "
            f"--jars {','.join(str(jar) for jar in jars())}"
        )
