"""Multi-label and regression heads, from checkpoint to columns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pyspark.ml.evaluation import RegressionEvaluator
from pyspark.sql import DataFrame, SparkSession
from tests.checkpoints.tiny_models import make

from sparkvision.errors import ParameterError
from sparkvision.export import export
from sparkvision.export.checkpoint import load
from sparkvision.ml import ViTForImageClassification

THRESHOLD = 0.4


@pytest.fixture(scope="module")
def multi_label(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint that gives any number of six labels."""
    folder = make("ViTForImageClassification", tmp_path_factory.mktemp("multi-label"), labels=6)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"problem_type": "multi_label_classification"}))
    return folder


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint that gives one number."""
    return make("ViTForImageClassification", tmp_path_factory.mktemp("regression"), labels=1)


@pytest.fixture
def table(spark: SparkSession, digits: list[Path]) -> DataFrame:
    rows = [(index, bytearray(file.read_bytes())) for index, file in enumerate(digits[:10])]
    return spark.createDataFrame(rows, "id int, content binary").coalesce(1)


def torch_logits(checkpoint: Path, digits: list[Path]) -> torch.Tensor:
    source = load(checkpoint, "image-classification")
    images = [Image.open(file).convert("RGB") for file in digits[:10]]
    return source.logits(torch.cat([source.pixel_values(image) for image in images]))


def stage(checkpoint: Path, bundle: Path, spark: SparkSession) -> ViTForImageClassification:
    export(checkpoint, bundle, progress=False)
    return ViTForImageClassification.loadSavedModel(str(bundle), spark).setInputCols(["content"])


def test_a_multi_label_model_reports_the_sigmoids_at_or_above_the_threshold(
    multi_label: Path, tmp_path: Path, table: DataFrame, digits: list[Path], spark: SparkSession
) -> None:
    expected = torch.sigmoid(torch_logits(multi_label, digits)).numpy()
    vit = stage(multi_label, tmp_path / "bundle", spark).setThreshold(THRESHOLD)
    names = vit.labels()
    rows = vit.setOutputCol("class").setProbabilityCol("scores").transform(table).orderBy("id").collect()
    difference = np.abs(np.stack([row["scores"].toArray() for row in rows]) - expected).max()
    print(f"\nmulti-label: {len(rows)} images, largest difference of a score {difference:.2e}")
    assert difference <= 1e-4
    # Scores nearer to the threshold than that would decide nothing.
    assert np.abs(expected - THRESHOLD).min() > difference
    for row, scores in zip(rows, expected, strict=True):
        best_first = sorted(np.flatnonzero(scores >= THRESHOLD), key=lambda index: -scores[index])
        assert [annotation["result"] for annotation in row["class"]] == [names[index] for index in best_first]
    assert len({len(row["class"]) for row in rows}) > 1


def test_prediction_col_is_refused_for_a_multi_label_model(
    multi_label: Path, tmp_path: Path, table: DataFrame, spark: SparkSession
) -> None:
    vit = stage(multi_label, tmp_path / "bundle", spark).setPredictionCol("prediction")
    with pytest.raises(ParameterError, match="predictionCol is 'prediction'.*multi_label_classification"):
        vit.transform(table)


def test_a_regression_gives_torchs_value(
    regression: Path, tmp_path: Path, table: DataFrame, digits: list[Path], spark: SparkSession
) -> None:
    expected = torch_logits(regression, digits).numpy()[:, 0]
    vit = stage(regression, tmp_path / "bundle", spark).setOutputCol("class").setPredictionCol("prediction")
    result = vit.transform(table).orderBy("id")
    rows = result.collect()
    difference = np.abs(np.array([row["prediction"] for row in rows]) - expected).max()
    print(f"\nregression: {len(rows)} images, largest difference {difference:.2e}")
    assert difference <= 1e-4
    (name,) = vit.labels()
    assert all(np.float32(row["class"][0]["metadata"][name]) == np.float32(row["prediction"]) for row in rows)
    truth = result.withColumn("label", result["prediction"] + 2)
    assert RegressionEvaluator(metricName="mae").evaluate(truth) == pytest.approx(2)
