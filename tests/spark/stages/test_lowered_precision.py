"""Bundles of lower precision label in a Pipeline as float32 does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.conftest import SplitDigits

from sparkvision.export import ExportReport
from sparkvision.ml import ViTForImageClassification


def predictions(spark: SparkSession, bundle: str, images: list[Path]) -> list[float]:
    rows = [(index, bytearray(file.read_bytes())) for index, file in enumerate(images)]
    vit = ViTForImageClassification.loadSavedModel(bundle, spark).setInputCols(["content"]).setOutputCol("class")
    labelled = vit.setPredictionCol("prediction").transform(spark.createDataFrame(rows, "id int, content binary"))
    return [row["prediction"] for row in labelled.orderBy("id").collect()]


@pytest.mark.parametrize("name", ["int8", "int8-calibrated"])
def test_int8_agrees_with_float32_on_99_of_100_held_out_digits(
    spark: SparkSession, name: str, lowered_digits: Callable[[str], ExportReport], split_digits: SplitDigits
) -> None:
    images = sorted(split_digits.measured.iterdir())
    expected = predictions(spark, "embedded:digits", images)
    found = predictions(spark, str(lowered_digits(name).bundle.folder), images)
    same = sum(ours == theirs for ours, theirs in zip(found, expected, strict=True))
    print(f"\n{name}: the same label on {same} of {len(images)}")
    assert len(set(expected)) == 10
    assert same >= 0.99 * len(images)
