"""What the rows of scripts/bench/peers say: medians, their spread, and the ratio to bare onnxruntime."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.rivals.roster import PEERS, REFERENCE

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Throughput:
    """One peer's counted rounds of one workload.

    Attributes
    ----------
    median, lowest, highest
        Pictures a second.
    ratio
        Of bare onnxruntime's throughput in the same round, the median over the rounds; None where it did not run.
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


def read_rows(file: Path) -> list[Row]:
    """Read lines of JSON."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def last_run(rows: Iterable[Row]) -> list[Row]:
    """Give the rows of the last run among them."""
    found = list(rows)
    last = max((row["run"] for row in found), default=None)
    return [row for row in found if row["run"] == last]


def newest(rows: Iterable[Row], workload: str, phase: str) -> list[Row]:
    """Give a workload's rows of a phase, of the last run that has any."""
    return last_run(row for row in rows if row["workload"] == workload and row["phase"] == phase)


def throughputs(rows: Iterable[Row], workload: str) -> list[Throughput]:
    """Summarise a workload: peers in the roster's order, batch sizes rising."""
    counted = newest(rows, workload, "warm")
    reference = {_side_by_side(row): row["img_per_s"] for row in counted if row["peer"] == REFERENCE}
    measured: dict[tuple[str, int], list[Row]] = {}
    for row in counted:
        measured.setdefault((row["peer"], row["batch_size"]), []).append(row)
    found = [_throughput(of_one, reference) for of_one in measured.values()]
    order = list(PEERS)
    return sorted(found, key=lambda one: (order.index(one.peer), one.batch_size))


def _side_by_side(row: Row) -> tuple[int, int, int]:
    return row["group"], row["batch_size"], row["round"]


def _throughput(rows: Sequence[Row], reference: Mapping[tuple[int, int, int], float]) -> Throughput:
    speeds = [row["img_per_s"] for row in rows]
    ratios = [row["img_per_s"] / reference[_side_by_side(row)] for row in rows if _side_by_side(row) in reference]
    return Throughput(
        rows[0]["peer"],
        rows[0]["batch_size"],
        statistics.median(speeds),
        min(speeds),
        max(speeds),
        statistics.median(ratios) if ratios else None,
        max(row["peak_megabytes"] for row in rows),
        len(rows),
    )


def cold_starts(rows: Iterable[Row], model: str) -> dict[str, list[float]]:
    """Give the seconds from a peer's start to its first label, of the last run with this model: by peer."""
    found = last_run(row for row in rows if row["phase"] == "cold" and row["model"] == model and row["slots"] > 1)
    seconds: dict[str, list[float]] = {peer: [] for peer in PEERS}
    for row in found:
        seconds[row["peer"]].append(row["seconds"])
    return {peer: of_one for peer, of_one in seconds.items() if of_one}


def other_labels(rows: Iterable[Row]) -> dict[str, str]:
    """Give what peers call the first picture when that is not what bare onnxruntime does: ``PEER, MODEL`` to label.

    Those of another precision may, and those that resize otherwise.
    """
    cold = [row for row in rows if row["phase"] == "cold"]
    expected = {(row["run"], row["model"]): row["label"] for row in cold if row["peer"] == REFERENCE}
    return {
        f"{row['peer']}, {row['model']}": f"{row['label']}, not {expected[row['run'], row['model']]}"
        for row in cold
        if row["label"] != expected.get((row["run"], row["model"]), row["label"])
    }


def left_out(rows: Iterable[Row]) -> dict[str, str]:
    """Give the reasons of the last run for peers without figures: ``PEER, MODEL`` to the reason."""
    return {f"{row['peer']}, {row['model']}": row["reason"] for row in last_run(rows) if row["phase"] == "left out"}
