"""docs/compatibility.md shows what scripts/compatibility found, and covers what the project is tested with."""

from __future__ import annotations

import re
import sys

import pyspark
import pytest
from tests.conftest import ROOT
from tests.packaging.compatibility import PAGE, page_with, recorded, table

from sparkvision.cli import checks


def test_the_page_shows_the_recorded_results() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with(table(recorded()), page), "run scripts/compatibility --write-page"


def test_the_suites_own_versions_are_among_those_that_work() -> None:
    works = {(result.python.rpartition(".")[0], result.pyspark) for result in recorded() if result.works}
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    (compiled,) = re.findall(r'private val spark = "([\d.]+)"', (ROOT / "project/Dependencies.scala").read_text())
    assert {(own, pyspark.__version__), (own, compiled)} <= works


def test_doctor_knows_the_oldest_and_the_newest_spark_that_were_tried() -> None:
    worked = sorted(tuple(map(int, result.pyspark.split("."))) for result in recorded() if result.works)
    assert (checks.OLDEST_SPARK, checks.NEWEST_SPARK) == (worked[0], worked[-1])
    oldest = ".".join(map(str, checks.OLDEST_SPARK))
    assert f'"pyspark>={oldest},<5"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_a_page_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the markers"):
        page_with("", "# Compatibility\n")
