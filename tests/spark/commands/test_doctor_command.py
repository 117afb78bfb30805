"""What `sparkvision doctor` tries on Spark itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pyspark.sql import SparkSession

from sparkvision.cli import checks
from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.errors import SessionError

pytestmark = pytest.mark.classic_only("the command starts a classic session")


@pytest.fixture(autouse=True)
def in_this_session(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command use the tests' session."""

    @contextmanager
    def session(settings: SparkSettings) -> Iterator[SparkSession]:
        yield spark

    monkeypatch.setattr("sparkvision.cli.spark.session.spark_session", session)


def test_labelling_is_tried_where_the_path_has_another_python(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark.sparkContext, "pythonExec", "/no/such/python")
    *_, found = checks.labelling(SparkSettings.of("local[2]", None))
    assert found.state == "ok", found.found


def test_a_session_whose_sql_function_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(spark: SparkSession) -> None:
        raise SessionError("no such function")

    monkeypatch.setattr("sparkvision.sql.enable_functions", refuse)
    *_, found = checks.labelling(SparkSettings.of("local[2]", None))
    assert (found.state, found.found) == ("fix", "the SQL function: no such function")


def test_a_session_that_counts_nothing_is_told(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparkvision._spark.metrics.metrics", lambda spark: spark.sql("SELECT 1 AS images"))
    *_, found = checks.labelling(SparkSettings.of("local[2]", None))
    assert (found.state, found.found) == ("fix", "the metrics: counted 1 of 2 images")
