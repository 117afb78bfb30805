"""The summary of the benchmark's rows, and the pages that show it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import performance_page
from bench.cost_model import BYTES_A_SECOND, Costs
from bench.large_picture_table import large_picture_table
from bench.performance_tables import (
    cold_table,
    costs,
    duration,
    growth_table,
    labels_table,
    left_out_table,
    readme_table,
    scale_table,
)
from bench.plots import plots, write_page
from bench.rivals.workloads import Workload, sittings
from bench.summary import cold_starts, throughputs


def row(peer: str, speed: float, **others: Any) -> dict[str, Any]:
    same = {"run": "2026-01-02", "workload": "vit-base-jpeg", "model": "vit-base", "phase": "warm", "slots": 2}
    measured = {"group": 0, "round": 1, "batch_size": 8, "count": 8, "seconds": 8 / speed, "peak_megabytes": 100}
    return {**same, "peer": peer, "img_per_s": speed, **measured, **others}


def test_a_ratio_is_taken_within_a_round() -> None:
    rows = [
        *(row("onnxruntime", speed, round=number) for number, speed in enumerate((10.0, 5.0, 20.0))),
        *(row("sparkvision", speed, round=number) for number, speed in enumerate((9.0, 4.5, 18.0))),
    ]
    (_, ours) = throughputs(rows, "vit-base-jpeg")
    assert ours.ratio == pytest.approx(0.9)
    assert (ours.median, ours.lowest, ours.highest) == (9.0, 4.5, 18.0)


def test_peers_are_compared_with_the_reference_of_their_own_group() -> None:
    rows = [row("onnxruntime", 10.0), row("sparkvision", 9.0)]
    rows += [row("onnxruntime", 20.0, group=1), row("pandas-udf", 10.0, group=1)]
    ratios = {one.peer: one.ratio for one in throughputs(rows, "vit-base-jpeg")}
    assert ratios["sparkvision"] == 0.9
    assert ratios["pandas-udf"] == 0.5


def test_only_the_last_run_of_a_workload_counts() -> None:
    rows = [row("sparkvision", 1.0, run="2026-01-01"), row("sparkvision", 2.0)]
    assert [one.median for one in throughputs(rows, "vit-base-jpeg")] == [2.0]


def test_the_warm_up_does_not_count() -> None:
    rows = [row("sparkvision", 1.0, phase="warm-up", round=0), row("sparkvision", 2.0)]
    assert [one.rounds for one in throughputs(rows, "vit-base-jpeg")] == [1]


def test_cold_starts_are_those_of_the_model() -> None:
    rows = [row("sparkvision", 1.0, phase="cold", seconds=4.0), row("mlflow", 1.0, phase="cold", seconds=9.0)]
    rows += [row("sparkvision", 1.0, phase="cold", seconds=2.0, model="vit-tiny")]
    assert cold_starts(rows, "vit-base") == {"sparkvision": [4.0], "mlflow": [9.0]}
    assert "| SparkVision | 4.0 (1) | 2.0 (1) |" in cold_table(rows)


def test_the_readme_shows_speed_and_ratio() -> None:
    rows = [row("onnxruntime", 10.0), row("sparkvision", 9.5)]
    assert "| SparkVision | 9.5 (0.95) |" in readme_table(rows)


def test_what_is_left_out_is_named_with_its_reason() -> None:
    rows = [row("spark-nlp", 1.0, phase="left out", reason="no network")]
    assert "| `spark-nlp, vit-base` | no network |" in left_out_table(rows)


def test_a_peer_that_labels_otherwise_is_named() -> None:
    rows = [row("onnxruntime", 1.0, phase="cold", label="7"), row("spark-nlp", 1.0, phase="cold", label="3")]
    assert labels_table(rows[:1]).endswith("gives it.")
    assert "| `spark-nlp, vit-base` | 3, not 7 |" in labels_table(rows)


def test_workloads_share_processes_only_with_the_same_model_and_slots() -> None:
    same = Workload("a", "vit-tiny", "32x32 PNG", 8, ("sparkvision",))
    one_slot = Workload("b", "vit-tiny", "32x32 PNG", 8, ("sparkvision",), slots=1)
    cold = Workload("c", "vit-tiny", "32x32 PNG", 0, ("sparkvision",), slots=1)
    assert sittings((same, same, one_slot, cold)) == [[same, same], [one_slot], [cold]]


def test_growth_is_in_seconds_by_the_number_of_pictures() -> None:
    rows = [row("sparkvision", 1.0, workload="digits-100", count=100, seconds=seconds) for seconds in (0.5, 0.7, 0.6)]
    rows += [row("sparkvision", 1.0, workload="digits-1000", count=1000, seconds=4.0)]
    assert growth_table(rows, ["digits-100", "digits-1000"]).endswith("| SparkVision | 0.60 | 4.00 |")


SCALE = {
    "run": "2026-01-02",
    "executors": 1,
    "model_bytes": 1000,
    "seconds_to_load": 1.0,
    "seconds_to_first_labels": 2.0,
    "seconds_of_next_labels": 0.1,
    "executors_cpu_seconds": 3.0,
    "driver_cpu_seconds": 0.5,
    "driver_sent_bytes": 1100,
    "driver_megabytes_more_at_peak": 40,
    "sessions_opened": 1,
}


def test_the_driver_is_measured_in_copies_of_the_model() -> None:
    assert "| 1 | 1.00 | 2.00 | 0.10 | 3.00 | 0.50 | 1.10 | 40 | 1 |" in scale_table([SCALE])


def test_costs_are_those_of_the_slots_and_of_one_executor() -> None:
    found = costs([row("sparkvision", 10.0)], [SCALE], "vit-base-jpeg")
    assert found == Costs(core_seconds_a_picture=0.2, start_seconds=3.0, model_bytes=1000)


def test_a_job_takes_its_start_and_the_work_divided_by_the_cores() -> None:
    found = Costs(core_seconds_a_picture=0.2, start_seconds=3.0, model_bytes=int(BYTES_A_SECOND))
    assert found.seconds(1e6, executors=1, cores=4) == pytest.approx(3 + 50_000)
    assert found.seconds_to_start(executors=8) == pytest.approx(3 + 3)


def test_durations_are_in_the_unit_that_a_person_would_use() -> None:
    assert [duration(s) for s in (5, 90, 5400, 2 * 86400)] == ["5 s", "1.5 min", "1.5 h", "2.0 days"]


def test_the_pipeline_is_compared_with_the_sum_of_its_parts_and_with_the_udf() -> None:
    costs = {"decode": 40.0, "resize": 20.0, "run": 20.0, "sparkvision": 88.0, "pandas-udf": 220.0}
    rows = [{"run": "2026-01-02", "what": what, "mode": "exact", "core_ms": ms} for what, ms in costs.items()]
    fast = {"decode": 20.0, "resize": 1.0, "run": 20.0, "sparkvision-fast": 55.0}
    rows += [{"run": "2026-01-02", "what": what, "mode": "fast", "core_ms": ms} for what, ms in fast.items()]
    rows += [{**row, "run": "2026-01-01", "core_ms": 1.0} for row in rows]
    made = large_picture_table(rows)
    assert "| their sum | 80.0 | 41.0 |" in made
    assert "| the Pipeline, of the sum | 1.10 | 1.34 |" in made
    assert "| times what the Pipeline costs | 2.50 | 4.00 |" in made


def test_every_plot_is_in_one_page(tmp_path: Path) -> None:
    images = plots([row("onnxruntime", 10.0), row("sparkvision", 9.0)], [SCALE])
    assert set(images) == {"vit-base-jpeg", "scale"}
    write_page(tmp_path / "plots.html", images)
    assert (tmp_path / "plots.html").read_text().count('src="data:image/png;base64,') == 2


def test_a_table_without_its_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no markers for the table cold"):
        performance_page.with_tables("# Page\n", {"cold": "|"})


def test_the_committed_pages_are_what_the_committed_rows_make() -> None:
    for file, text in performance_page.documents().items():
        assert file.read_text() == text, f"{file.name} is stale: run scripts/performance_page.py"


def test_the_page_shows_only_plots_that_are_committed() -> None:
    shown = re.findall(r"\]\((performance/[^)]+)\)", performance_page.PAGE.read_text())
    assert "performance/plots.html" in shown
    assert [name for name in shown if not (performance_page.PAGE.parent / name).is_file()] == []


def test_where_nothing_was_measured_nothing_is_claimed() -> None:
    assert {left_out_table([]), labels_table([])} == {"Not measured yet: `scripts/bench/performance` does it."}
