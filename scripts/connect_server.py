"""Start a Spark Connect server that has SparkVision's jars, print its URL, and run it until Ctrl-C.

Usage: connect-server [--port N] [--address HOST] [--master URL] [--model-home FOLDER] [--conf KEY=VALUE]...
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import pyspark

from sparkvision._spark.embedded import HOME_SETTING
from sparkvision._spark.jars import jars
from sparkvision._spark.session import EXTENSIONS
from sparkvision._spark.start import DRIVER_MEMORY
from sparkvision.errors import SparkVisionError

START_SECONDS = 120
END_SECONDS = 30
# Of Spark's own sbin/start-connect-server.sh, which the pyspark package leaves out.
SERVER_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"


def free_port() -> int:
    """Find a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(address: str, port: int) -> None:
    """Refuse a port that another program listens on: its answer would pass for that of the server started here.

    Raises
    ------
    OSError
        When the port is taken, or this machine has no such address.
    OverflowError
        When there is no such port.
    """
    family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
    with socket.socket(family) as probe:
        # As servers do: connections of one that has just ended are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))


def settings(options: argparse.Namespace, port: int) -> dict[str, str]:
    """Give the server's Spark settings; those on the command line come last and win."""
    found = {
        "spark.connect.grpc.binding.address": options.address,
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.memory": DRIVER_MEMORY,
        "spark.jars": ",".join(str(jar) for jar in jars()),
        "spark.sql.extensions": EXTENSIONS,
    }
    if options.model_home is not None:
        home = options.model_home.resolve()
        home.mkdir(parents=True, exist_ok=True)
        found[HOME_SETTING] = str(home)
        # A local folder, which Spark lets clients write to only when told so.
        found["spark.sql.artifact.copyFromLocalToFs.allowDestLocal"] = "true"
    return found | dict(setting.split("=", 1) for setting in options.conf)


def launch(master: str, conf: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the server's JVM; what it logs goes to stderr."""
    home = Path(pyspark.__file__).parent
    command = [str(home / "bin" / "spark-submit"), "--class", SERVER_CLASS, "--master", master]
    for key, value in conf.items():
        command += ["--conf", f"{key}={value}"]
    environment = os.environ | {"SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    # A session of its own: Ctrl-C reaches this script alone, which then ends the server in order.
    return subprocess.Popen([*command, "spark-internal"], env=environment, stdout=sys.stderr, start_new_session=True)


def wait_until_it_answers(server: subprocess.Popen[bytes], address: str, port: int) -> bool:
    """Wait for the server's port to open; False when the server ended, or took too long."""
    for _ in range(START_SECONDS * 10):
        if server.poll() is not None:
            return False
        try:
            socket.create_connection((address, port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.1)
    return False


def end(server: subprocess.Popen[bytes]) -> None:
    """Ask the JVM to shut down, and insist when it does not."""
    server.terminate()
    try:
        server.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="connect-server", description="A Spark Connect server with SparkVision.")
    parser.add_argument("--port", type=int, default=15002, help="0 for a free one (default: %(default)s)")
    parser.add_argument(
        "--address", default="127.0.0.1", help="where to listen; it has no passwords of its own (default: %(default)s)"
    )
    parser.add_argument("--master", default="local[*]", help="Spark's master URL (default: %(default)s)")
    parser.add_argument("--model-home", type=Path, metavar="FOLDER", help="where clients' own bundles are kept")
    parser.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE", help="a further Spark setting")
    options = parser.parse_args(arguments)
    for setting in options.conf:
        if "=" not in setting:
            parser.error(f"--conf {setting}: give KEY=VALUE")
    return options


def main() -> int:
    """Run the server; 0 when it was asked to end, 1 when it failed."""
    options = parsed(sys.argv[1:])
    port = options.port or free_port()
    try:
        require_free(options.address, port)
        conf = settings(options, port)
    except (OSError, OverflowError, SparkVisionError) as error:
        print(f"connect-server: cannot start at {options.address}:{port}: {error}", file=sys.stderr)
        return 1
    server = launch(options.master, conf)

    def asked_to_end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # SIGINT too: a shell that starts this in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, asked_to_end)
    try:
        if not wait_until_it_answers(server, options.address, port):
            print("connect-server: the server did not start; its log is above.", file=sys.stderr)
            return 1
        print(f"sc://{options.address}:{port}", flush=True)
        server.wait()
        print(f"connect-server: the server ended by itself, with {server.returncode}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        end(server)


if __name__ == "__main__":
    sys.exit(main())
