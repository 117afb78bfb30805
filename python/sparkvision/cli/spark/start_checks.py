"""Checks before Spark is started: a suitable Java exists, and the master answers."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

JAVA = 17
CONNECT_SECONDS = 5


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes
    ----------
    what : str
        The name of the check.
    state : "ok", "fix" or "information"
        With "information", images can still be labelled on the CPU.
    found : str
        What the check found.
    remedy : str
        What the user can do, or an empty string.
    """

    what: str
    state: Literal["ok", "fix", "information"]
    found: str
    remedy: str = ""


def java() -> Check:
    """Check the Java that Spark starts: that of JAVA_HOME, else that of the PATH."""
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


def reachable(master: str) -> Check:
    """Connect to the port of a standalone master; Spark itself would try for a minute."""
    if not master.startswith("spark://"):
        return Check("master", "information", f"{master}: tried below")
    found = ""
    # Standby masters are listed with the leader: spark://one:7077,two:7077. Only the leader needs to answer.
    for address in master.removeprefix("spark://").split(","):
        try:
            url = urlsplit(f"spark://{address}")
            socket.create_connection((url.hostname or "", url.port or 7077), CONNECT_SECONDS).close()
            return Check("master", "ok", f"{master} answers")
        except (OSError, ValueError) as error:  # ValueError: the port is not a number
            found = f"{master} does not answer: {error}"
    return Check("master", "fix", found, "check the host, the port and the firewall, or start a master there")
