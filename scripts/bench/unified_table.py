"""What the rows of scripts/bench/unified say: how much faster one pipeline is than two systems, and why."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.summary import Row, last_run

NOTHING_YET = "Not measured yet: `scripts/bench/unified` does it."
WAYS = ("unified", "connector")


def unified_table(rows: Sequence[Row]) -> str:
    """Write the ratios of all workloads, and under them a table of the steps of each, as Markdown."""
    workloads = dict.fromkeys(row["workload"] for row in rows)
    newest = {workload: last_run(row for row in rows if row["workload"] == workload) for workload in workloads}
    if not newest:
        return NOTHING_YET
    head = "| | pictures/s, one pipeline | pictures/s, two systems | ratio | ratio without their start |"
    lines = [head, "| --- | --: | --: | --: | --: |"]
    for workload, found in newest.items():
        speeds = [found[0]["count"] / _median(_of(found, way), "seconds") for way in WAYS]
        ratios = [ratio(found), ratio(found, without=("start",))]
        cells = [f"{value:.2f}" for value in (*speeds, *ratios)]
        lines.append(f"| `{workload}`: {found[0]['count']} x {found[0]['pictures']} | {' | '.join(cells)} |")
    return "\n\n".join(["\n".join(lines), *(_steps(workload, found) for workload, found in newest.items())])


def ratio(rows: Sequence[Row], without: Sequence[str] = ()) -> float:
    """Give how many times as fast one pipeline is: the median of the rounds.

    Parameters
    ----------
    rows
        Of one run and workload.
    without
        Steps that do not count.
    """
    seconds = {
        (row["way"], row["round"]): row["seconds"] - sum(row["parts"].get(step, 0.0) for step in without)
        for row in _counted(rows)
    }
    rounds = {number for _, number in seconds}
    return float(statistics.median(seconds["connector", number] / seconds["unified", number] for number in rounds))


def disagreement(rows: Sequence[Row]) -> str | None:
    """Say in what the two ways' results differ by more than rounding does; None where they compute the same."""
    for column in ("crops", "magnitude"):
        found = [row[column] for row in rows]
        # Rounding may swap boxes that a detector is equally sure of.
        if not min(found) > 0.99 * max(found):
            return f"the ways do not compute the same: their {column} lie from {min(found)} to {max(found)}"
    return None


def ratio_line(rows: Sequence[Row]) -> str:
    """Say it in a line."""
    return (
        f"one pipeline is {ratio(rows):.2f} times as fast as two systems, "
        f"{ratio(rows, without=('start',)):.2f} times where their process runs already"
    )


def _steps(workload: str, rows: Sequence[Row]) -> str:
    """Write the seconds of each step, in the order of the connector's."""
    parts = {way: [row["parts"] for row in _of(rows, way)] for way in WAYS}
    steps = dict.fromkeys(step for way in reversed(WAYS) for row in parts[way] for step in row if step != "else")
    lines = [f"| `{workload}`: seconds | one pipeline | two systems |", "| --- | --: | --: |"]
    for step in [*steps, "else"]:
        times = [statistics.median(row.get(step, 0.0) for row in parts[way]) for way in WAYS]
        lines.append(f"| {step} | {' | '.join(f'{seconds:.2f}' if seconds else '' for seconds in times)} |")
    totals = [_median(_of(rows, way), "seconds") for way in WAYS]
    return "\n".join([*lines, f"| all | {' | '.join(f'{seconds:.2f}' for seconds in totals)} |"])


def _counted(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["phase"] == "warm"]


def _of(rows: Sequence[Row], way: str) -> list[Row]:
    return [row for row in _counted(rows) if row["way"] == way]


def _median(rows: Sequence[Row], column: str) -> float:
    return float(statistics.median(row[column] for row in rows))
