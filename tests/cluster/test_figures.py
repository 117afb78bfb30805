"""What the soak requires of its figures, and the page that shows them."""

from __future__ import annotations

import json

from tests.cluster.support.figures import page_with, shortfalls, table
from tests.conftest import ROOT


def test_a_run_that_kept_its_promises_misses_nothing() -> None:
    assert shortfalls({"rows": 10, "rows_lost": 0, "jvm_crashes": 0, "growth_percent": 2.9}) == []


def test_a_lost_row_is_named() -> None:
    assert shortfalls({"rows": 10, "rows_lost": 2}) == ["2 rows were lost"]


def test_a_wrong_row_of_the_memory_scenario_is_named() -> None:
    figures = {"images": 10, "rows_lost_duplicated_or_changed": 1, "growth_percent": 0.0}
    assert shortfalls(figures) == ["1 rows were lost, came twice or have another answer"]


def test_growing_memory_is_named() -> None:
    assert shortfalls({"growth_percent": 3.1}) == ["memory grew by 3.1 %, more than 3.0 %"]


def test_memory_that_is_not_given_back_is_named() -> None:
    figures = {"model_megabytes": 256, "megabytes_before": 600, "megabytes_after": 860}
    assert shortfalls(figures) == ["260 MB of a model of 256 MB were not given back"]


def test_a_second_session_on_an_executor_is_named() -> None:
    assert shortfalls({"executors": 2, "sessions_opened": 3}) == ["3 sessions were opened by 2 executors"]


def test_the_page_shows_the_recorded_figures() -> None:
    runs = [json.loads(line) for line in (ROOT / "docs" / "reliability.jsonl").read_text().splitlines()]
    page = (ROOT / "docs" / "reliability.md").read_text()
    assert page == page_with(table(runs), page), "run scripts/soak --write-page"
    assert all(run["missed"] == [] for run in runs)
