"""Processor time and memory of processes (Linux)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Of a process and its descendants.

    Attributes
    ----------
    cpu_seconds
        Processor time so far.
    peak_megabytes
        The high-water marks of their resident memory, added up.
    """

    cpu_seconds: float
    peak_megabytes: int


def tree_usage(process: int) -> Usage:
    """Add up what a process and all its living descendants have used."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _fields(int(folder.name))
        if fields:
            parents[int(folder.name)] = int(fields[1])
    tree = [process]
    for member in tree:
        tree += [child for child, parent in parents.items() if parent == member]
    cpu = sum(int(fields[11]) + int(fields[12]) for member in tree if (fields := _fields(member)))
    return Usage(cpu / _TICKS_A_SECOND, sum(map(_peak_kilobytes, tree)) // 1024)


def busy_seconds() -> float:
    """Return the processor time that the whole machine has spent, what the hypervisor took from it included."""
    user, nice, system, _, _, interrupts, soft, stolen = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + interrupts + soft + stolen) / _TICKS_A_SECOND


def _fields(process: int) -> list[str]:
    """Read what `/proc/PID/stat` has after the name: state, parent, and so on; nothing for a process that is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _peak_kilobytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
