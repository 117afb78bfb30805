"""Embeddings are transformers' own hidden states, as vectors that Spark ML takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from PIL import Image
from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import MulticlassClassificationEvaluator
from pyspark.sql import DataFrame, SparkSession

from sparkvision import LightPipeline
from sparkvision.errors import BundleError, ParameterError
from sparkvision.export import ExportReport
from sparkvision.export.checkpoint import load
from sparkvision.local import LocalModel
from sparkvision.ml import ImageAssembler, ViTForImageClassification, ViTImageEmbeddings

TASK = "feature-extraction"
TOLERANCE = 1e-3
# A class token and no pooler, a class token and a pooler, a feature map and a pooler.
POOLINGS = [
    ("ViTForImageClassification", ("cls", "mean")),
    ("CLIPForImageClassification", ("cls", "mean", "pooler")),
    ("ConvNextForImageClassification", ("mean", "pooler")),
]


@pytest.fixture(scope="module")
def images(digits: list[Path], photos: list[Path]) -> list[Path]:
    return [*digits[:3], *photos[:3]]


@pytest.fixture(scope="module")
def table(spark: SparkSession, images: list[Path]) -> DataFrame:
    rows = [(index, bytearray(path.read_bytes())) for index, path in enumerate(images)]
    return spark.createDataFrame(rows, "id int, content binary").coalesce(1)


@pytest.fixture(scope="module")
def bundle(tiny_export: Callable[[str, str], ExportReport]) -> str:
    return str(tiny_export("ViTForImageClassification", TASK).bundle.folder)


@pytest.fixture
def stage(bundle: str, spark: SparkSession) -> ViTImageEmbeddings:
    return ViTImageEmbeddings.loadSavedModel(bundle, spark).setInputCols(["content"]).setEmbeddingsCol("features")


@pytest.fixture
def local(bundle: str) -> Iterator[LocalModel]:
    with LocalModel(bundle) as model:
        yield model


def torch_embeddings(checkpoint: Path, images: list[Path], pooling: str) -> np.ndarray:
    source = load(checkpoint, TASK)
    found = []
    for path in images:
        with Image.open(path) as file:
            outputs = source.outputs(source.pixel_values(file.convert("RGB")))
        states = outputs["pooler_output" if pooling == "pooler" else "last_hidden_state"][0]
        found.append({"cls": lambda s: s[0], "mean": lambda s: s.mean(0), "pooler": lambda s: s}[pooling](states))
    return torch.stack(found).numpy()


@pytest.mark.parametrize(
    ("architecture", "pooling"), [(name, pooling) for name, poolings in POOLINGS for pooling in poolings]
)
def test_embeddings_are_transformers_own(
    architecture: str,
    pooling: Literal["cls", "mean", "pooler"],
    tiny_checkpoint: Callable[[str], Path],
    tiny_export: Callable[[str, str], ExportReport],
    table: DataFrame,
    images: list[Path],
    spark: SparkSession,
) -> None:
    expected = torch_embeddings(tiny_checkpoint(architecture), images, pooling)
    folder = str(tiny_export(architecture, TASK).bundle.folder)
    embeddings = ViTImageEmbeddings.loadSavedModel(folder, spark).setInputCols(["content"]).setPooling(pooling)
    rows = embeddings.setEmbeddingsCol("features").transform(table).orderBy("id").collect()
    found = np.stack([row["features"].toArray() for row in rows])
    print(f"\n{architecture}, {pooling}: largest difference {np.abs(found - expected).max():.2e}")
    assert np.abs(found - expected).max() <= TOLERANCE
    assert expected.std(axis=0).max() > 10 * TOLERANCE
    with LocalModel(folder, pooling=pooling, normalize=True) as local:
        normalized = local.embed(images)
    assert np.abs(normalized - expected / np.linalg.norm(expected, axis=1, keepdims=True)).max() <= TOLERANCE


def test_a_pooling_that_the_model_has_nothing_for_is_refused(
    tiny_export: Callable[[str, str], ExportReport], stage: ViTImageEmbeddings, table: DataFrame, spark: SparkSession
) -> None:
    with pytest.raises(ParameterError, match="no pooler_output"):
        stage.setPooling("pooler").transform(table)
    convnext = tiny_export("ConvNextForImageClassification", TASK).bundle.folder
    with pytest.raises(ParameterError, match="ConvNextModel has no class token"):
        ViTImageEmbeddings.loadSavedModel(str(convnext), spark).setInputCols(["content"]).setErrorCol("e").transform(
            table
        )


def test_bad_images_keep_their_rows(stage: ViTImageEmbeddings, mixed: DataFrame) -> None:
    rows = stage.setOutputCol("annotations").setErrorCol("error").transform(mixed).collect()
    assert [row["features"] is not None for row in rows] == [True, True, False, True, True, False]
    assert [len(row["annotations"]) for row in rows] == [1, 1, 0, 1, 1, 0]
    assert [row["error"] is None for row in rows] == [True, True, False, True, True, False]


def test_the_vectors_size_is_known_before_anything_runs(stage: ViTImageEmbeddings, table: DataFrame) -> None:
    assert stage.transform(table).schema["features"].metadata["ml_attr"]["num_attrs"] == 32


def test_a_logistic_regression_learns_from_them(
    stage: ViTImageEmbeddings, digits: list[Path], spark: SparkSession
) -> None:
    rows = [(float(int(f.parent.name) > 4), bytearray(f.read_bytes())) for f in digits[::4]]
    labelled = spark.createDataFrame(rows, "label double, content binary").coalesce(1)
    features = stage.setPooling("mean").transform(labelled).cache()
    fitted = LogisticRegression(maxIter=5, regParam=0.001).fit(features)
    accuracy = MulticlassClassificationEvaluator(metricName="accuracy").evaluate(fitted.transform(features))
    print(f"\nrandom weights, {len(rows)} digits, accuracy {accuracy:.3f}")
    # Half of the digits would be guessed right.
    assert accuracy > 0.6
    features.unpersist()


@pytest.mark.classic_only("a stage over Spark Connect has no JVM here")
def test_light_pipelines_annotations_are_the_pipelines(
    stage: ViTImageEmbeddings, images: list[Path], spark: SparkSession
) -> None:
    rows = [(str(path), bytearray(path.read_bytes())) for path in images]
    files = spark.createDataFrame(rows, "path string, content binary").coalesce(1)
    pipeline = Pipeline(stages=[ImageAssembler(), stage.setInputCols(["image"]).setOutputCol("embeddings")])
    model = pipeline.fit(files)
    expected = [row["embeddings"][0].asDict() for row in model.transform(files).collect()]
    with LightPipeline(model) as light:
        found = [asdict(answer["embeddings"][0]) for answer in light.fullAnnotateImage([str(p) for p in images])]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.pop("embeddings"), other.pop("embeddings"), atol=1e-5)
        assert one == other


def test_unreadable_images_give_nan_when_asked(local: LocalModel, digits: list[Path]) -> None:
    embeddings = local.embed([digits[0], b"not an image"], on_error="null")
    assert embeddings.shape == (2, 32) and np.isnan(embeddings).all(axis=1).tolist() == [False, True]


def test_a_model_is_asked_only_for_what_it_gives(local: LocalModel, bundle: str, digits: list[Path]) -> None:
    with pytest.raises(BundleError, match="feature-extraction.*no logits"):
        local.logits(digits[:1])
    with LocalModel("embedded:digits") as classifier, pytest.raises(BundleError, match="--task feature-extraction"):
        classifier.embed(digits[:1])


def test_bundles_of_the_other_task_are_refused_naming_the_right_stage(bundle: str, spark: SparkSession) -> None:
    with pytest.raises(BundleError, match="Use ViTImageEmbeddings"):
        ViTForImageClassification.loadSavedModel(bundle, spark)
    with pytest.raises(BundleError, match="Use ViTForImageClassification"):
        ViTImageEmbeddings.loadSavedModel("embedded:digits", spark)


def test_a_closed_model_says_that_it_is_closed(bundle: str, digits: list[Path]) -> None:
    model = LocalModel(bundle)
    model.close()
    with pytest.raises(ParameterError, match="closed"):
        model.embed(digits[:1])
