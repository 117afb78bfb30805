"""What an earlier version saved loads, and computes the same numbers."""

from __future__ import annotations

import json
from typing import cast

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.wrapper import JavaTransformer
from pyspark.sql import DataFrame, SparkSession
from tests.conftest import FIXTURES

from sparkvision._spark.stage import BundleTransformer
from sparkvision.ml import (
    CLIPForZeroShotClassification,
    CLIPImageEmbeddings,
    CLIPTextEmbeddings,
    ImageCropper,
    ImageDeduplicator,
    PerceptualHash,
    SimilarImages,
    ViTForImageClassification,
    ViTImageEmbeddings,
    YolosForObjectDetection,
)

SAVED = FIXTURES / "saved_pipeline"


@pytest.fixture(scope="module")
def saved(spark: SparkSession) -> PipelineModel:
    return PipelineModel.load(str(SAVED / "pipeline"))


@pytest.mark.parametrize(
    ("position", "kind", "params"),
    [
        (1, ViTForImageClassification, {"topK": 2, "batchSize": 3, "imageMean": [0.5, 0.5, 0.5], "errorCol": "error"}),
        (2, PerceptualHash, {"inputCols": ["image"], "hashCol": "hash"}),
        (3, ImageCropper, {"inputCols": ["image", "objects"], "outputCol": "crop"}),
        (4, SimilarImages, {"indexPath": "index", "embeddingsCol": "embedding", "topK": 3}),
        (5, ImageDeduplicator, {"hashCol": "hash", "idCol": "path", "maxHashDistance": 4}),
    ],
)
def test_each_stage_of_the_pipeline_has_its_params(
    saved: PipelineModel, position: int, kind: type[JavaTransformer], params: dict[str, object]
) -> None:
    stage = saved.stages[position]
    assert isinstance(stage, kind)
    assert {name: stage.getOrDefault(name) for name in params} == params


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (ViTImageEmbeddings, {"pooling": "mean", "normalize": True, "batchSize": 8}),
        (YolosForObjectDetection, {"threshold": 0.25, "topK": 7, "batchSize": 1}),
        (CLIPForZeroShotClassification, {"candidateLabels": ["cat", "dog"], "threshold": 0.5}),
        (CLIPImageEmbeddings, {"embeddingsCol": "image_vector", "normalize": False}),
        (CLIPTextEmbeddings, {"embeddingsCol": "text_vector", "batchSize": 8}),
    ],
)
def test_a_stage_of_each_kind_loads_with_its_params_and_its_model(
    spark: SparkSession, kind: type[BundleTransformer], params: dict[str, object]
) -> None:
    stage = kind.load(str(SAVED / kind.__name__))
    assert {name: stage.getOrDefault(name) for name in params} == params
    assert stage.getOrDefault("bundleHash")


def test_a_default_of_the_earlier_version_is_no_value_of_topk(spark: SparkSession) -> None:
    # That version saved its default of 1, which is wrong for a multi-label model, with each stage.
    stage = CLIPForZeroShotClassification.load(str(SAVED / "CLIPForZeroShotClassification"))
    assert stage.getTopK() is None


def test_the_model_computes_the_logits_of_the_version_that_saved_it(spark: SparkSession, saved: PipelineModel) -> None:
    expected = cast("dict[str, list[float]]", json.loads((SAVED / "logits.json").read_text(encoding="utf-8")))
    files: DataFrame = spark.read.format("binaryFile").load([str(FIXTURES / "digits" / name) for name in expected])
    model = PipelineModel(saved.stages[:2])
    found = {
        "/".join(row["path"].split("/")[-2:]): row["logits"]
        for row in model.transform(files).select("path", "logits").collect()
    }
    assert found.keys() == expected.keys()
    difference = max(float(np.abs(np.subtract(found[name], expected[name])).max()) for name in expected)
    print(f"\nlargest difference to the logits of the version that saved the pipeline: {difference:.1e}")
    assert difference < 1e-5
