"""The Spark session of the tests in this folder: a classic local one, or with --connect one over Spark Connect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

import sparkvision
from sparkvision.ml import ViTForImageClassification


@pytest.fixture(scope="session")
def spark(request: pytest.FixtureRequest) -> Iterator[SparkSession]:
    if request.config.getoption("--connect"):
        session = sparkvision.start(remote=request.getfixturevalue("connect_server").url)
        yield session
        session.stop()
        return
    session = sparkvision.start(
        master="local[2]", config={"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2"}
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def vit(spark: SparkSession) -> ViTForImageClassification:
    """The embedded model, reading a column of bytes."""
    return ViTForImageClassification.pretrained().setInputCols(["content"]).setOutputCol("class")


@pytest.fixture
def mixed(spark: SparkSession, digits: list[Path]) -> DataFrame:
    """Good pictures with a broken and a missing one between them."""
    good = [(file.name, bytearray(file.read_bytes())) for file in digits[:4]]
    rows = [*good[:2], ("broken.png", good[0][1][:40]), *good[2:], ("nothing.png", None)]
    return spark.createDataFrame(rows, "path string, content binary").coalesce(1)
