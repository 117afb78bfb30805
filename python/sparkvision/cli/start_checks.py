"""What can be checked before Spark is started: that there is a Java, and that the master answers."""

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
