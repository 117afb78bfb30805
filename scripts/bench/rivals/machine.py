"""The description of the machine in each recorded row."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("onnxruntime", "torch", "transformers", "pillow", "numpy", "pyspark")


def machine() -> dict[str, object]:
    """Describe the processor, the memory and the versions (Linux)."""
    processor = re.findall(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    flags = set(re.findall(r"\bavx\w*|\bamx\w*", Path("/proc/cpuinfo").read_text()))
    memory = re.findall(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "cpu": processor[0] if processor else platform.machine(),
        "vectors": sorted(flags),
        "cores": os.cpu_count(),
        "memory_gigabytes": round(int(memory[0]) / 2**20),
        "load": os.getloadavg()[0],
        "versions": versions | {"python": platform.python_version(), "java": _java()},
    }


def commit() -> str:
    """Return the checkout's commit, with a + when files differ from it."""
    named = _output("git", "-C", str(ROOT), "describe", "--always", "--abbrev=12", "--dirty=+")
    return named or "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _java() -> str:
    found = re.search(r'version "([^"]+)"', _output("java", "-version"))
    return found[1] if found else "unknown"


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip() if done.returncode == 0 else ""
