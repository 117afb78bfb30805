"""Connections to Spark Connect servers."""

from __future__ import annotations

import queue

from pyspark.sql import SparkSession

from sparkvision import errors

CONNECT_SECONDS = 20


def connect(url: str, app_name: str, config: dict[str, str]) -> SparkSession:
    """Connect to a running Spark Connect server.

    Parameters
    ----------
    url
        As ``sc://host:15002``, with the parameters that Spark Connect knows.
    app_name
        The session's name.
    config
        Settings of the session; a server's own cannot be changed from here.

    Raises
    ------
    SessionError
        When no server answers there, or the libraries of Spark Connect are missing.
    """
    _require_answer(url)
    builder = SparkSession.builder.remote(url).appName(app_name)
    for key, value in config.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def require_libraries() -> None:
    """Refuse an installation without what Spark Connect needs.

    Raises
    ------
    SessionError
        When they are missing; the message names what to install.
    """
    try:
        import grpc  # noqa: F401
        import pyspark.sql.connect.client  # noqa: F401
    except ImportError as error:
        raise errors.SessionError(
            f"Spark Connect needs libraries that are not installed ({error}): run `pip install 'sparkvision[connect]'`."
        ) from error


def _require_answer(url: str) -> None:
    """Try the channel first: a session would go on trying for minutes."""
    from grpc import ChannelConnectivity
    from pyspark.sql.connect.client import DefaultChannelBuilder

    states: queue.Queue[ChannelConnectivity] = queue.Queue()
    with DefaultChannelBuilder(url).toChannel() as channel:
        channel.subscribe(states.put, try_to_connect=True)
        state = None
        try:
            while state not in (ChannelConnectivity.READY, ChannelConnectivity.TRANSIENT_FAILURE):
                state = states.get(timeout=CONNECT_SECONDS)
        except queue.Empty:
            pass
        if state != ChannelConnectivity.READY:
            raise errors.SessionError(
                f"No Spark Connect server answers at {url}. Check host and port, or start one: "
                "sparkvision connect-server."
            )
