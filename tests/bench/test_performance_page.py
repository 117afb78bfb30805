"""The summary of the benchmark's rows, and the pages that show it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import performance_page
from bench.rivals.workloads import Workload, sittings
from bench.summary import cold_starts, ratio_of_ways, throughputs
from performance_page import (
    cold_table,
    growth_table,
    labels_table,
    left_out_table,
    plots,
    precision_table,
    readme_table,
    similarity_table,
    unified_table,
)


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
    rows = [row("sparkvision", 1.0, phase="cold", seconds=4.0), row("pandas-udf", 1.0, phase="cold", seconds=9.0)]
    rows += [row("sparkvision", 1.0, phase="cold", seconds=2.0, model="vit-tiny")]
    assert cold_starts(rows, "vit-base") == {"sparkvision": [4.0], "pandas-udf": [9.0]}
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


def test_growth_is_in_seconds_by_the_number_of_images() -> None:
    rows = [row("sparkvision", 1.0, workload="digits-100", count=100, seconds=seconds) for seconds in (0.5, 0.7, 0.6)]
    rows += [row("sparkvision", 1.0, workload="digits-1000", count=1000, seconds=4.0)]
    assert growth_table(rows, ["digits-100", "digits-1000"]).endswith("| SparkVision | 0.60 | 4.00 |")


def test_what_was_measured_is_plotted() -> None:
    images = plots([row("onnxruntime", 10.0), row("sparkvision", 9.0)])
    assert {name: image[1:4] for name, image in images.items()} == {"vit-base-jpeg": b"PNG"}


def test_a_table_without_its_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no markers for the table cold"):
        performance_page.with_tables("# Page\n", {"cold": "|"})


def test_the_committed_pages_are_what_the_committed_rows_make() -> None:
    for file, text in performance_page.documents().items():
        assert file.read_text() == text, f"{file.name} is stale: run scripts/performance_page.py"


def test_the_page_shows_only_plots_that_are_committed() -> None:
    shown = re.findall(r"\]\((performance/[^)]+)\)", performance_page.PAGE.read_text())
    assert len(shown) > 3
    assert [name for name in shown if not (performance_page.PAGE.parent / name).is_file()] == []


def row_of_way(way: str, number: int, seconds: float, start_seconds: float = 0.0) -> dict[str, Any]:
    same = {"run": "2026-01-02", "workload": "yolos", "phase": "warm" if number else "warm-up"}
    measured = {"images": "JPEG", "count": 6, "round": number, "seconds": seconds, "start_seconds": start_seconds}
    return {**same, "way": way, **measured}


ROWS_OF_WAYS = [
    row_of_way("unified", 0, 9.0),
    row_of_way("connector", 0, 9.0),
    row_of_way("unified", 1, 2.0),
    row_of_way("connector", 1, 3.0, start_seconds=1.0),
]


def test_the_ratio_of_two_ways_is_taken_within_a_round_and_without_the_warm_up() -> None:
    assert ratio_of_ways(ROWS_OF_WAYS) == 1.5
    assert ratio_of_ways(ROWS_OF_WAYS, with_start=False) == 1.0
    slower = [row_of_way("unified", 2, 1.0), row_of_way("connector", 2, 4.0)]
    slower += [row_of_way("unified", 3, 1.0), row_of_way("connector", 3, 1.0)]
    assert ratio_of_ways([*ROWS_OF_WAYS, *slower]) == 1.5


def test_the_table_of_both_ways_shows_their_ratios() -> None:
    assert "| `yolos`: 6 x JPEG | 3.00 | 2.00 | 1.50 | 1.00 |" in unified_table(ROWS_OF_WAYS)


def test_only_the_last_run_of_both_ways_counts() -> None:
    earlier = [{**r, "run": "2026-01-01", "seconds": 100.0} for r in ROWS_OF_WAYS]
    assert unified_table([*earlier, *ROWS_OF_WAYS]) == unified_table(ROWS_OF_WAYS)


def row_of_precision(kernels: str, precision: str, speed: float, **others: Any) -> dict[str, Any]:
    same = {"run": "2026-01-02", "model": "vit-base", "round": 1, "counted": True}
    return {**same, "kernels": kernels, "precision": precision, "img_per_s": speed, **others}


def rows_of(kernels: str, factor: float, **others: Any) -> list[dict[str, Any]]:
    lowered = [
        row_of_precision(kernels, name, 10 * factor, **others)
        for name in ("optimized", "fp16", "int8", "int8-calibrated")
    ]
    return [row_of_precision(kernels, "fp32", 10.0, **others), *lowered]


def test_a_ratio_of_precisions_is_of_the_same_kernels_round_and_run() -> None:
    rows = [
        *rows_of("AVX2", 9.0, run="2026-01-01"),
        *rows_of("this processor", 7.0, round=0, counted=False),
        *rows_of("this processor", 2.0),
        *rows_of("AVX2", 1.5),
    ]
    head, _, *lines = precision_table(rows).splitlines()
    assert head == "| times as fast as float32 | ViT-B/16, this processor | ViT-B/16, AVX2 |"
    assert lines[2] == "| `--precision int8` | 2.00 | 1.50 |"


def row_of_index(vectors: int, query: float) -> dict[str, Any]:
    build = {"cpu_ms": 0.5, "bytes": 800.0}
    approximate = {"cpu_ms": 0.25, "recall_at_10": 0.9876, "vectors_compared": 1234.5}
    both = {"build_exact": build, "build_approximate": build, "approximate_100": approximate}
    return {"vectors": vectors, "exact": {"cpu_ms": query}, **both}


def test_the_table_of_indexes_has_the_last_row_of_each_size_the_smallest_first() -> None:
    lines = similarity_table(
        [row_of_index(10**6, 9.0), row_of_index(10**4, 1.0), row_of_index(10**6, 7.0)]
    ).splitlines()[2:]
    assert [line.split(" | ")[0] for line in lines] == ["| 10,000", "| 1,000,000"]
    assert " | 7 | 0.25 | 1,234 | 0.988 | " in lines[1]


@pytest.mark.parametrize("make", [labels_table, left_out_table, precision_table, similarity_table, unified_table])
def test_where_nothing_was_measured_nothing_is_claimed(make: Callable[[list[dict[str, Any]]], str]) -> None:
    assert make([]) == "Not measured yet: `scripts/bench/performance` does it."
