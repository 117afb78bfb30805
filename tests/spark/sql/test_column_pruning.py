"""What Spark leaves out of a query with a stage, because nobody reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pyspark.ml import Pipeline
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkvision.ml import ImageAssembler, ViTForImageClassification


@pytest.fixture(scope="module")
def wide(spark: SparkSession, digits: list[Path], tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """Return fifty columns: an image, its path and forty-eight others."""
    folder = str(tmp_path_factory.mktemp("wide") / "wide.parquet")
    table = spark.createDataFrame(
        [(file.name, file.read_bytes()) for file in digits[:4]], "path string, content binary"
    )
    table.select("*", *(F.lit(i).alias(f"c{i}") for i in range(48))).write.parquet(folder)
    return spark.read.parquet(folder)


def columns_read(query: DataFrame, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    query.explain(mode="formatted")
    (schema,) = re.findall(r"ReadSchema: struct<(.*)>", capsys.readouterr().out)
    return str(schema)


def test_one_output_reads_the_image_and_its_origin_only(
    vit: ViTForImageClassification, wide: DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    result = vit.transform(wide).select("class.result")
    assert columns_read(result, capsys) == "path:string,content:binary"
    assert len(result.collect()) == 4


def test_a_pipeline_reads_no_more(wide: DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setPredictionCol("prediction")
    pipeline = Pipeline(stages=[ImageAssembler(), vit]).fit(wide)
    assert columns_read(pipeline.transform(wide).select("c7", "prediction"), capsys) == (
        "path:string,content:binary,c7:int"
    )


def test_a_count_reads_no_image(
    vit: ViTForImageClassification, wide: DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    assert columns_read(vit.transform(wide).groupBy().count(), capsys) == ""
