"""A model goes into MLflow and comes out again in every way that MLflow has, with the same labels and scores."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import SparkSession
from tests.conftest import EMBEDDED_BUNDLE
from tests.mlflow.conftest import REQUIREMENTS, Registered, as_text, table_of

import sparkvision.mlflow
from sparkvision.errors import BundleError, ParameterError
from sparkvision.export import ExportReport
from sparkvision.local import LocalModel
from sparkvision.ml import ViTForImageClassification, ViTImageEmbeddings
from sparkvision.mlflow.prediction import _image

pytestmark = pytest.mark.slow


@pytest.fixture
def files(digits: list[Path]) -> list[Path]:
    """Every twentieth of the held-out digits: all ten classes."""
    return digits[::20]


def expected(registered: Registered, spark: SparkSession, files: list[Path]) -> pd.DataFrame:
    """What the Pipeline itself says, a row for each file."""
    rows = registered.pipeline.transform(table_of(spark, files)).collect()
    labels = [[annotation.result for annotation in row["class"]] for row in rows]
    scores = [[float(annotation.metadata[annotation.result]) for annotation in row["class"]] for row in rows]
    return pd.DataFrame({"labels": labels, "scores": scores}, dtype=object)


def assert_same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    assert [list(labels) for labels in found["labels"]] == list(wanted["labels"])
    largest = np.abs(np.array(found["scores"].tolist()) - np.array(wanted["scores"].tolist())).max()
    print(f"largest difference between scores: {largest:.2e}")
    assert largest < 1e-6
    assert list(found["label"]) == [labels[0] for labels in wanted["labels"]]
    assert list(found["score"]) == [scores[0] for scores in found["scores"]]
    assert found["error"].isna().all()


def test_the_registered_version_is_the_pipeline_again(
    registered: Registered, spark: SparkSession, files: list[Path]
) -> None:
    loaded = sparkvision.mlflow.load_model(registered.uri)
    assert isinstance(loaded, PipelineModel)
    again = Registered(registered.uri, loaded)
    wanted = expected(registered, spark, files)
    pd.testing.assert_frame_equal(expected(again, spark, files), wanted)


def test_pyfunc_gives_what_the_pipeline_gives(registered: Registered, spark: SparkSession, files: list[Path]) -> None:
    model = mlflow.pyfunc.load_model(registered.uri)
    found = model.predict(pd.DataFrame({"content": [file.read_bytes() for file in files]}))
    assert_same(found, expected(registered, spark, files))


def test_a_bad_image_keeps_its_row_and_has_its_reason(registered: Registered, files: list[Path]) -> None:
    good = files[0].read_bytes()
    model = mlflow.pyfunc.load_model(registered.uri)
    found = model.predict(pd.DataFrame({"content": [good, good[:40], good]}))
    assert found["label"].notna().tolist() == [True, False, True]
    assert found["error"].notna().tolist() == [False, True, False]


def test_spark_udf_gives_what_the_pipeline_gives(
    registered: Registered, spark: SparkSession, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As PYSPARK_PYTHON says at the start of a session: this environment's Python, not the PATH's.
    monkeypatch.setattr(spark.sparkContext, "pythonExec", sys.executable)
    classify = mlflow.pyfunc.spark_udf(spark, registered.uri, env_manager="local")
    rows = table_of(spark, files).coalesce(1).select(classify("content").alias("answer")).collect()
    found = pd.DataFrame([row.answer.asDict() for row in rows], dtype=object)
    assert_same(found, expected(registered, spark, files))


def test_the_served_model_gives_what_the_pipeline_gives(
    registered: Registered, served: str, spark: SparkSession, files: list[Path]
) -> None:
    question = {"dataframe_records": [{"content": as_text(file)} for file in files]}
    request = urllib.request.Request(
        served + "/invocations", json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        found = pd.DataFrame(json.load(answer)["predictions"], dtype=object)
    assert_same(found, expected(registered, spark, files))


def test_the_signature_says_what_goes_in_and_what_comes_out(registered: Registered) -> None:
    info = mlflow.models.get_model_info(registered.uri)
    assert info.signature.inputs.input_names() == ["content"]
    assert info.signature.outputs.input_names() == ["label", "score", "labels", "scores", "error"]
    assert set(info.flavors) == {"python_function", "sparkvision"}


def test_the_input_example_can_be_predicted(registered: Registered, digits: list[Path]) -> None:
    model = mlflow.pyfunc.load_model(registered.uri)
    (label,) = model.predict(model.input_example)["label"]
    assert label == digits[0].parent.name


def test_pyfunc_obeys_the_settings_of_the_stage(spark: SparkSession, files: list[Path], tmp_path: Path) -> None:
    # A mean that changes every score, and thereby some labels.
    stage = ViTForImageClassification.pretrained().setInputCols(["content"]).setRawPredictionCol("logits")
    stage = stage.setImageMean([0.1, 0.2, 0.3]).setProbabilityCol("probability").setTopK(10)
    folder = tmp_path / "a modèle"  # which a URL would quote
    sparkvision.mlflow.save_model(stage, folder, pip_requirements=REQUIREMENTS)
    rows = stage.transform(table_of(spark, files)).collect()
    wanted = [sorted(row.probability.toArray(), reverse=True) for row in rows]
    found = mlflow.pyfunc.load_model(str(folder)).predict(
        pd.DataFrame({"content": [file.read_bytes() for file in files]})
    )
    largest = np.abs(np.array(found["scores"].tolist()) - np.array(wanted)).max()
    print(f"largest difference between scores: {largest:.2e}")
    assert largest < 1e-6
    loaded: Any = sparkvision.mlflow.load_model(str(folder))
    assert isinstance(loaded, ViTForImageClassification)
    assert loaded.getImageMean() == [0.1, 0.2, 0.3]


def test_a_bundle_is_logged_without_a_session_and_loads_as_its_folder(files: list[Path], tmp_path: Path) -> None:
    sparkvision.mlflow.save_model(EMBEDDED_BUNDLE, tmp_path / "model", pip_requirements=REQUIREMENTS)
    folder = sparkvision.mlflow.load_model(str(tmp_path / "model"))
    assert isinstance(folder, Path)
    with LocalModel(folder) as model:
        assert len(model.labels) == 10
    found = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(
        pd.DataFrame({"content": [as_text(file) for file in files[:2]]})
    )
    assert list(found["label"]) == [file.parent.name for file in files[:2]]


def test_an_embeddings_stage_gives_embeddings(
    spark: SparkSession, tiny_export: Callable[[str, str], ExportReport], photos: list[Path], tmp_path: Path
) -> None:
    bundle = tiny_export("ViTForImageClassification", "feature-extraction").bundle.folder
    stage = ViTImageEmbeddings.loadSavedModel(str(bundle), spark).setInputCols(["content"]).setEmbeddingsCol("vector")
    stage = stage.setPooling("mean").setNormalize(True)
    sparkvision.mlflow.save_model(stage, tmp_path / "model", pip_requirements=REQUIREMENTS)
    rows = stage.transform(table_of(spark, photos[:3])).collect()
    found = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(
        pd.DataFrame({"content": [photo.read_bytes() for photo in photos[:3]]})
    )
    largest = np.abs(np.array(found["embedding"].tolist()) - np.array([row.vector.toArray() for row in rows])).max()
    print(f"largest difference between embeddings: {largest:.2e}")
    assert largest < 1e-6


def test_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="such stages"):
        sparkvision.mlflow.save_model(3, tmp_path / "model", pip_requirements=REQUIREMENTS)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="no such folder"):
        sparkvision.mlflow.save_model(tmp_path / "nothing", tmp_path / "model", pip_requirements=REQUIREMENTS)


@pytest.mark.parametrize("text", ["no base64!", "caf\u00e9"])
def test_text_that_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="An image as text is base64, and this is not"):
        _image(text)


def test_a_model_of_another_flavour_is_refused(tmp_path: Path) -> None:
    mlflow.pyfunc.save_model(str(tmp_path / "model"), python_model=lambda model_input: model_input, pip_requirements=[])
    with pytest.raises(BundleError, match="python_function"):
        sparkvision.mlflow.load_model(str(tmp_path / "model"))
