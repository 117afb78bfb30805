"""The table of docs/models.md, from the rows that scripts/bench/precision measured."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.performance_tables import MODELS, NOTHING_YET, table
from bench.summary import Row, last_run

OPTIONS = {
    "optimized": "`--optimize`",
    "fp16": "`--precision fp16`",
    "int8": "`--precision int8`",
    "int8-calibrated": "`--precision int8 --calibrate`",
}


def precision_table(rows: Sequence[Row]) -> str:
    """Say how many times as fast as float32 each is, by model and kernels: the median of the last run's rounds."""
    if not rows:
        return NOTHING_YET.replace("performance", "precision")
    speeds = {
        (row["model"], row["kernels"], row["precision"], row["round"]): row["img_per_s"]
        for row in last_run(rows)
        if row["counted"]
    }
    columns = list(dict.fromkeys((model, kernels) for model, kernels, _, _ in speeds))
    rounds = sorted({number for _, _, _, number in speeds})

    def ratio(model: str, kernels: str, precision: str) -> str:
        of_round = [speeds[model, kernels, precision, n] / speeds[model, kernels, "fp32", n] for n in rounds]
        return f"{statistics.median(of_round):.2f}"

    lines = [[option, *(ratio(*column, precision) for column in columns)] for precision, option in OPTIONS.items()]
    return table(["times as fast as float32", *(f"{MODELS[model]}, {kernels}" for model, kernels in columns)], lines)
