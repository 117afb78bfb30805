"""The Pipeline's logits are transformers' own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyspark.ml import Pipeline
from pyspark.sql import SparkSession
from tests.conftest import FIXTURES, SHARED_IMAGES, upright

from sparkvision.ml import ImageAssembler, ViTForImageClassification

TOLERANCE = 1e-3
EMBEDDED = "embedded:digits"
# What the embedded model was exported from, as tests/fixtures/train_digits.py trained it.
EMBEDDED_CHECKPOINT = FIXTURES / "digits_checkpoint"


def torch_logits(checkpoint: Path, images: list[Path]) -> np.ndarray:
    """Transformers' slow processor and torch, fp32, eager attention."""
    import torch
    from transformers import ViTForImageClassification as TorchViT
    from transformers import ViTImageProcessor

    processor = ViTImageProcessor.from_pretrained(checkpoint)
    model = TorchViT.from_pretrained(checkpoint, attn_implementation="eager").eval()
    found = []
    for path in images:
        with torch.no_grad():
            # Said, because transformers takes a side of 1 or 3 pixels for the channels.
            pixels = processor(upright(path), return_tensors="pt", input_data_format="channels_last")
            found.append(model(**pixels).logits[0].numpy())
    return np.stack(found)


def pipeline_logits(spark: SparkSession, bundle: str, images: list[Path]) -> np.ndarray:
    rows = [(index, str(path), bytearray(path.read_bytes())) for index, path in enumerate(images)]
    table = spark.createDataFrame(rows, "id int, path string, content binary")
    vit = (
        ViTForImageClassification.loadSavedModel(bundle, spark)
        .setInputCols(["image"])
        .setOutputCol("class")
        .setRawPredictionCol("logits")
        .setErrorCol("error")
    )
    model = Pipeline(stages=[ImageAssembler().setInputCol("content").setOutputCol("image"), vit]).fit(table)
    result = model.transform(table).select("id", "logits", "error").orderBy("id").collect()
    assert [row["error"] for row in result] == [None] * len(images)
    return np.stack([row["logits"].toArray() for row in result])


def compare(what: str, logits: np.ndarray, expected: np.ndarray) -> None:
    difference = np.abs(logits - expected).max()
    print(f"\n{what}: {len(expected)} images, largest logit difference {difference:.2e}")
    assert difference <= TOLERANCE
    assert (logits.argmax(axis=1) == expected.argmax(axis=1)).all()
    # Logits that hardly depend on the image would make this comparison prove little.
    assert expected.std(axis=0).max() > 100 * TOLERANCE


@pytest.mark.classic_only("the embedded model is compared over Spark Connect; these are exported for a minute")
@pytest.mark.parametrize("size", ["vit-tiny", "vit-base"])
def test_pipeline_gives_transformers_logits(
    spark: SparkSession, size: str, checkpoints: dict[str, Path], bundles: dict[str, Path], photos: list[Path]
) -> None:
    assert len(photos) == 20
    expected = torch_logits(checkpoints[size], photos)
    compare(size, pipeline_logits(spark, str(bundles[size]), photos), expected)


def test_pipeline_gives_transformers_logits_with_the_embedded_model(spark: SparkSession, photos: list[Path]) -> None:
    assert len(photos) == 20
    expected = torch_logits(EMBEDDED_CHECKPOINT, photos)
    compare("embedded model", pipeline_logits(spark, EMBEDDED, photos), expected)


def test_pipeline_gives_transformers_logits_with_the_embedded_model_on_held_out_digits(
    spark: SparkSession, digits: list[Path]
) -> None:
    assert len(digits) == 360
    expected = torch_logits(EMBEDDED_CHECKPOINT, digits)
    compare("embedded model, held-out digits", pipeline_logits(spark, EMBEDDED, digits), expected)


@pytest.mark.classic_only("the embedded model is compared over Spark Connect; these are exported for a minute")
@pytest.mark.skipif(not SHARED_IMAGES.exists(), reason="needs ../shared")
def test_pipeline_gives_transformers_logits_on_further_photos(
    spark: SparkSession, checkpoints: dict[str, Path], bundles: dict[str, Path]
) -> None:
    photos = sorted((SHARED_IMAGES / "photos").iterdir())
    expected = torch_logits(checkpoints["vit-tiny"], photos)
    compare("further photos, vit-tiny", pipeline_logits(spark, str(bundles["vit-tiny"]), photos), expected)
