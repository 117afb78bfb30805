"""Every architecture's logits through Spark are torch's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pyspark.sql import DataFrame, SparkSession
from tests.checkpoints.tiny_models import TINY_MODELS
from tests.conftest import upright
from tests.spark.stages.test_parity import compare

from sparkvision import ml
from sparkvision.export import ExportReport
from sparkvision.export.checkpoint import load

# Where the stage is not called as the architecture is.
NAMED_STAGES: dict[str, type[ml.ImageClassification]] = {
    "Swinv2ForImageClassification": ml.SwinForImageClassification,
    "ConvNextV2ForImageClassification": ml.ConvNextForImageClassification,
    "DeiTForImageClassificationWithTeacher": ml.DeiTForImageClassification,
    "Dinov2WithRegistersForImageClassification": ml.Dinov2ForImageClassification,
}


# Exports for minutes. What a session of the other kind does differently, the other tests see with one model.
pytestmark = pytest.mark.classic_only("the numbers are the engine's, whatever the session")


@pytest.fixture(scope="module")
def images(photos: list[Path]) -> list[Path]:
    return photos[:8]


@pytest.fixture(scope="module")
def opened(images: list[Path]) -> list[Image.Image]:
    return [upright(path) for path in images]


@pytest.fixture(scope="module")
def table(spark: SparkSession, images: list[Path]) -> DataFrame:
    rows = [(index, bytearray(path.read_bytes())) for index, path in enumerate(images)]
    return spark.createDataFrame(rows, "id int, content binary").coalesce(1)


@pytest.mark.parametrize("architecture", TINY_MODELS)
def test_spark_gives_torchs_logits(
    architecture: str,
    tiny_checkpoint: Callable[[str], Path],
    tiny_export: Callable[[str, str], ExportReport],
    table: DataFrame,
    opened: list[Image.Image],
    spark: SparkSession,
) -> None:
    source = load(tiny_checkpoint(architecture), "image-classification")
    expected = source.logits(torch.cat([source.pixel_values(image) for image in opened])).numpy()
    stage = NAMED_STAGES.get(architecture, getattr(ml, architecture, ml.ImageClassification))
    bundle = tiny_export(architecture, "image-classification").bundle.folder
    classification = stage.loadSavedModel(str(bundle), spark).setInputCols(["content"])
    rows = classification.setRawPredictionCol("logits").setErrorCol("error").transform(table).orderBy("id").collect()
    assert [row["error"] for row in rows] == [None] * len(opened)
    compare(f"{architecture} in {stage.__name__}", np.stack([row["logits"].toArray() for row in rows]), expected)
