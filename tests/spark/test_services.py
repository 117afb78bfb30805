"""Every stage that the services file lists is built where the session's JVM is: here, or on a Spark Connect server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from tests.conftest import ROOT

import sparkvision.ml
from sparkvision._base import ModelTransformer, VisionTransformer
from sparkvision._similarity import SimilarityTransformer
from sparkvision.errors import ParameterError

SERVICES = ROOT / "jvm/spark/src/main/resources/META-INF/services/org.apache.spark.ml.Transformer"
STAGES: list[type[VisionTransformer]] = [getattr(sparkvision.ml, name) for name in sparkvision.ml.__all__]


def test_the_services_file_lists_every_stage_by_its_python_name() -> None:
    names = [f"{stage.__module__}.{stage.__name__}" for stage in STAGES]
    assert SERVICES.read_text().split() == names == [stage._java_class for stage in STAGES]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_a_stage_is_built_with_its_uid_and_params(spark: SparkSession, stage: Any) -> None:
    table = spark.range(1).selectExpr("cast(null as binary) content")
    if issubclass(stage, ModelTransformer):
        built = stage().setInputCols(["content"]).setOutputCol("result")
        with pytest.raises(ParameterError, match=f"{built.uid} has no model"):
            built.transform(table)
    elif issubclass(stage, SimilarityTransformer):
        with pytest.raises(ParameterError, match="has no index"):
            stage().transform(table)
    else:
        assert stage().setOutputCol("result").transform(table).columns == ["content", "result"]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_a_stage_is_loaded_by_its_own_loader(spark: SparkSession, stage: Any, tmp_path: Path) -> None:
    with pytest.raises(AnalysisException, match="PATH_NOT_FOUND"):
        stage.load(str(tmp_path / "nothing"))
