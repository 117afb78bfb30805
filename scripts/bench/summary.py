"""What the recorded rows say: medians, their spread, and ratios of values that were measured in the same round."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.rivals.roster import PEERS, REFERENCE

RESULTS = Path(__file__).with_name("results")
WAYS = ("unified", "connector")

Row = Mapping[str, Any]


def read_rows(name: str) -> list[Row]:
    """Read the recorded rows of one benchmark."""
    return [json.loads(line) for line in (RESULTS / f"{name}.jsonl").read_text().splitlines()]


def last_run(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of the last run among them."""
    found = list(rows)
    last = max((row["run"] for row in found), default=None)
    return [row for row in found if row["run"] == last]


def newest(rows: Iterable[Row], workload: str) -> list[Row]:
    """Return the counted rows of the last run of a workload."""
    return last_run(row for row in rows if row["workload"] == workload and row["phase"] == "warm")


@dataclass(frozen=True)
class Throughput:
    """The counted rounds of one peer at one workload and batch size.

    Attributes
    ----------
    median, lowest, highest
        Images a second.
    ratio
        Of the throughput of bare onnxruntime in the same round, the median over the rounds; None where it did not run.
    megabytes
        The largest resident memory of the peer's processes, added up.
    """

    peer: str
    batch_size: int
    median: float
    lowest: float
    highest: float
    ratio: float | None
    megabytes: int
    rounds: int


def throughputs(rows: Iterable[Row], workload: str) -> list[Throughput]:
    """Summarise a workload: peers in the order of the roster, batch sizes rising."""
    counted = newest(rows, workload)
    reference = {_round(row): row["img_per_s"] for row in counted if row["peer"] == REFERENCE}
    measured: dict[tuple[str, int], list[Row]] = {}
    for row in counted:
        measured.setdefault((row["peer"], row["batch_size"]), []).append(row)
    found = []
    for (peer, batch_size), of_one in measured.items():
        speeds = [row["img_per_s"] for row in of_one]
        ratios = [row["img_per_s"] / reference[_round(row)] for row in of_one if _round(row) in reference]
        ratio = statistics.median(ratios) if ratios else None
        spread = (statistics.median(speeds), min(speeds), max(speeds))
        memory = max(row["peak_megabytes"] for row in of_one)
        found.append(Throughput(peer, batch_size, *spread, ratio, memory, len(of_one)))
    order = list(PEERS)
    return sorted(found, key=lambda one: (order.index(one.peer), one.batch_size))


def _round(row: Row) -> tuple[int, int, int]:
    return row["group"], row["batch_size"], row["round"]


def cold_starts(rows: Iterable[Row], model: str) -> dict[str, list[float]]:
    """Return the seconds from the start of a process to its first label, by peer, of the last run with this model."""
    found = last_run(row for row in rows if row["phase"] == "cold" and row["model"] == model and row["slots"] > 1)
    return {peer: seconds for peer in PEERS if (seconds := [row["seconds"] for row in found if row["peer"] == peer])}


def ratio_of_ways(rows: Sequence[Row], with_start: bool = True) -> float:
    """Return how many times as fast one pipeline is as two systems: the median of the rounds.

    Parameters
    ----------
    rows
        Of one run and workload of scripts/bench/unified.
    with_start
        Whether the start of the second system's process counts.
    """
    seconds = {
        (row["way"], row["round"]): row["seconds"] - (0.0 if with_start else row["start_seconds"])
        for row in rows
        if row["phase"] == "warm"
    }
    rounds = {number for _, number in seconds}
    return float(statistics.median(seconds["connector", number] / seconds["unified", number] for number in rounds))
