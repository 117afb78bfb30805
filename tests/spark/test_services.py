"""Every stage that the services file lists is built where the session's JVM is: here, or on a Spark Connect server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from tests.conftest import ROOT

import sparkvision.ml
from sparkvision._spark.similarity import SimilarityTransformer
from sparkvision._spark.stage import ColumnsTransformer, ModelTransformer, VisionTransformer
from sparkvision.errors import ParameterError
from sparkvision.ml import CLIPTextEmbeddings, ImageDeduplicator, PerceptualHash

SERVICES = ROOT / "jvm/spark/src/main/resources/META-INF/services/org.apache.spark.ml.Transformer"
DETECTIONS = "array<struct<box:struct<xmin:float,ymin:float,xmax:float,ymax:float>>>"
STAGES: list[type[VisionTransformer]] = [getattr(sparkvision.ml, name) for name in sparkvision.ml.__all__]


def test_the_services_file_lists_every_stage_by_its_python_name() -> None:
    names = [f"{stage.__module__}.{stage.__name__}" for stage in STAGES]
    assert SERVICES.read_text().split() == names == [stage._java_class for stage in STAGES]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_a_stage_is_built_with_its_uid_and_params(spark: SparkSession, stage: Any) -> None:
    nulls = ["cast(null as binary) content", f"cast(null as {DETECTIONS}) detections", "cast(null as string) text"]
    table = spark.range(1).selectExpr(*nulls)
    if stage is CLIPTextEmbeddings:
        with pytest.raises(ParameterError, match="has no model"):
            stage().setEmbeddingsCol("result").transform(table)
    elif issubclass(stage, ModelTransformer):
        built = stage().setInputCols(["content"]).setOutputCol("result")
        with pytest.raises(ParameterError, match=f"{built.uid} has no model"):
            built.transform(table)
    elif issubclass(stage, SimilarityTransformer):
        with pytest.raises(ParameterError, match="has no index"):
            stage().transform(table)
    elif stage is ImageDeduplicator:
        with pytest.raises(ParameterError, match="has no idCol"):
            stage().transform(table)
    elif stage is PerceptualHash:
        assert stage().setInputCols("content").transform(table).columns == ["content", "detections", "text", "hash"]
    else:
        built = stage().setOutputCol("result")
        if issubclass(stage, ColumnsTransformer):
            built.setInputCols("content", "detections")
        assert built.transform(table).columns == ["content", "detections", "text", "result"]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_a_stage_is_loaded_by_its_own_loader(spark: SparkSession, stage: Any, tmp_path: Path) -> None:
    with pytest.raises(AnalysisException, match="PATH_NOT_FOUND"):
        stage.load(str(tmp_path / "nothing"))
