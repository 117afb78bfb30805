"""The table of scripts/bench/large_pictures' rows."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.performance_tables import NOTHING_YET, table
from bench.summary import Row, last_run

PARTS = {"decode": "decode", "resize": "resize and normalise", "run": "run the model"}
PIPELINES = {"exact": "sparkvision", "fast": "sparkvision-fast"}


def large_picture_table(rows: Sequence[Row]) -> str:
    """Give the parts, their sum, the Pipeline and the pandas UDF, of the last run: medians."""
    if not rows:
        return NOTHING_YET.replace("performance", "large_pictures")
    measured: dict[tuple[str, str], list[float]] = {}
    for row in last_run(rows):
        measured.setdefault((row["what"], row["mode"]), []).append(row["core_ms"])
    cost = {what: statistics.median(of_one) for what, of_one in measured.items()}
    sums = {mode: sum(cost[part, mode] for part in PARTS) for mode in PIPELINES}
    pipeline = {mode: cost[peer, mode] for mode, peer in PIPELINES.items()}
    rival = cost["pandas-udf", "exact"]

    def line(what: str, values: Sequence[float], form: str = "{:.1f}") -> list[str]:
        return [what, *map(form.format, values)]

    return table(
        ["ms of a core a picture", *PIPELINES],
        [
            *(line(name, [cost[part, mode] for mode in PIPELINES]) for part, name in PARTS.items()),
            line("their sum", list(sums.values())),
            line("the Pipeline", list(pipeline.values())),
            line("the Pipeline, of the sum", [pipeline[mode] / sums[mode] for mode in PIPELINES], "{:.2f}"),
            line("Spark pandas UDF, Pillow, onnxruntime", [rival, rival]),
            line("times what the Pipeline costs", [rival / pipeline[mode] for mode in PIPELINES], "{:.2f}"),
            line("times what the parts alone would cost", [rival / sums[mode] for mode in PIPELINES], "{:.2f}"),
        ],
    )
