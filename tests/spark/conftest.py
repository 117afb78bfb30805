"""Stages and tables for the tests in this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkvision.ml import ViTForImageClassification


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
