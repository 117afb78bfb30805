"""The command `sparkvision connect-server`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from sparkvision.cli.command import REFUSED, app
from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.errors import SessionError, SparkVisionError

START_SECONDS = 120
END_SECONDS = 30
# The class that Spark's sbin/start-connect-server.sh starts; the pyspark package does not contain that script.
SERVER_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"


# Not by `command`, which ends with 130 after Ctrl-C: that is the regular end of a server, with exit code 0.
@app.command(
    "connect-server",
    epilog="\nexample:\n  sparkvision connect-server --port 15002 --master 'local[*]' --model-home /srv/models\n\n"
    "exit code: 0 after Ctrl-C or SIGTERM, 1 when the server cannot start or ends by itself",
)
def connect_server(
    port: Annotated[int, typer.Option(metavar="N", help="0 for a free port")] = 15002,
    address: Annotated[
        str, typer.Option(metavar="HOST", help="where to listen; the server asks for no password by itself")
    ] = "127.0.0.1",
    master: Annotated[str | None, typer.Option(metavar="URL", help="Spark's master (default: local[*])")] = None,
    model_home: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="where the bundles of clients are stored")
    ] = None,
    conf: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="a setting of Spark; may be given several times")
    ] = None,
) -> None:
    """Run a Spark Connect server that has SparkVision's jars, until Ctrl-C.

    It prints the URL for clients when it accepts connections. The server is Spark's own, of the installed pyspark, and
    does not need the extra `connect`: that holds the Python packages of clients.
    """
    port = port or _free_port()
    try:
        settings = SparkSettings.of(master, conf, default="local[*]")
        _require_free(address, port)
        server = _launch(str(settings.master), {**_defaults(address, port, model_home), **settings.config})
    except (OSError, OverflowError, SparkVisionError) as error:
        print(f"sparkvision: the server cannot start at {address}:{port}: {error}", file=sys.stderr)
        raise typer.Exit(REFUSED) from None

    def asked_to_end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # SIGINT too: a shell that starts the command in the background has SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, asked_to_end)
    try:
        if _answers(server, address, port):
            print(f"sc://{address}:{port}", flush=True)
            server.wait()
            print(f"sparkvision: the server ended by itself, with exit code {server.returncode}.", file=sys.stderr)
        else:
            print("sparkvision: the server did not start; its log is above.", file=sys.stderr)
        raise typer.Exit(REFUSED)
    except KeyboardInterrupt:
        return
    finally:
        _end(server)


def _free_port() -> int:
    """Find a port on which no program listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _require_free(address: str, port: int) -> None:
    """Refuse a port on which another program listens, because its answer would pass for that of the new server.

    Raises
    ------
    OSError
        When the port is taken, or this machine has no such address.
    OverflowError
        When there is no such port.
    """
    family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
    with socket.socket(family) as probe:
        # As servers do: connections of a server that has just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))


def _defaults(address: str, port: int, model_home: Path | None) -> dict[str, str]:
    """Return the server's Spark settings, which those of the command line override."""
    from sparkvision._spark.embedded import HOME_SETTING
    from sparkvision._spark.jars import jars
    from sparkvision._spark.session import EXTENSIONS
    from sparkvision._spark.start import DRIVER_MEMORY

    found = {
        "spark.connect.grpc.binding.address": address,
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.memory": DRIVER_MEMORY,
        "spark.jars": ",".join(map(str, jars())),
        "spark.sql.extensions": EXTENSIONS,
    }
    if model_home is not None:
        model_home.mkdir(parents=True, exist_ok=True)
        found[HOME_SETTING] = str(model_home.resolve())
        # Spark lets clients write to a local folder of the server only with this setting.
        found["spark.sql.artifact.copyFromLocalToFs.allowDestLocal"] = "true"
    return found


def _launch(master: str, conf: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the JVM of the server; its log goes to stderr.

    Raises
    ------
    SessionError
        When the installed pyspark has no Spark, or a Spark without Spark Connect.
    """
    import pyspark

    home = Path(pyspark.__file__).parent
    submit = home / "bin" / "spark-submit"
    if not submit.is_file() or not list((home / "jars").glob("spark-connect_*.jar")):
        raise SessionError(
            f"pyspark {pyspark.__version__} in {home} has no Spark Connect server. Install the package pyspark in "
            "place of pyspark-client."
        )
    command = [str(submit), "--class", SERVER_CLASS, "--master", master]
    for key, value in conf.items():
        command += ["--conf", f"{key}={value}"]
    environment = os.environ | {"SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    # In a session of its own, so that Ctrl-C reaches this process only, which then ends the server in order.
    return subprocess.Popen([*command, "spark-internal"], env=environment, stdout=sys.stderr, start_new_session=True)


def _answers(server: subprocess.Popen[bytes], address: str, port: int) -> bool:
    """Wait until the port of the server is open; False when the server ended, or took too long."""
    for _ in range(START_SECONDS * 10):
        if server.poll() is not None:
            return False
        try:
            socket.create_connection((address, port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.1)
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    """Ask the JVM to end, and kill it when it does not."""
    server.terminate()
    try:
        server.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
