"""A thread that has no active session uses the session it is given, else the one that all threads share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from pyspark.ml import Pipeline, PipelineModel
from pyspark.sql import DataFrame, SparkSession
from tests.conftest import EMBEDDED_BUNDLE

import sparkvision
from sparkvision import LightPipeline
from sparkvision.local import LocalModel
from sparkvision.ml import ImageAssembler, ImageClassification, ViTForImageClassification

Result = TypeVar("Result")


def in_thread(work: Callable[[], Result]) -> Result:
    """Do work in a new thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def labels(stage: ViTForImageClassification | ImageClassification | PipelineModel, table: DataFrame) -> list[str]:
    return [row.label for row in stage.transform(table).selectExpr("class[0].result AS label").collect()]


@pytest.fixture
def images(mixed: DataFrame) -> DataFrame:
    return mixed.where("path NOT IN ('broken.png', 'nothing.png')")


@pytest.fixture
def expected(vit: ViTForImageClassification, images: DataFrame) -> list[str]:
    return labels(vit, images)


@pytest.mark.usefixtures("spark")
def test_a_stage_is_made() -> None:
    assert in_thread(ImageAssembler).getOutputCol() == "image"


def test_a_model_is_loaded_with_the_given_session(spark: SparkSession, images: DataFrame, expected: list[str]) -> None:
    def label() -> list[str]:
        stage = ImageClassification.loadSavedModel(str(EMBEDDED_BUNDLE), spark)
        return labels(stage.setInputCols(["content"]).setOutputCol("class"), images)

    assert in_thread(label) == expected


def test_a_model_is_found_by_its_name(images: DataFrame, expected: list[str]) -> None:
    def label() -> list[str]:
        stage = ViTForImageClassification.pretrained("digits")
        return labels(stage.setInputCols(["content"]).setOutputCol("class"), images)

    assert in_thread(label) == expected


def test_a_stage_is_saved_and_loaded(
    vit: ViTForImageClassification, images: DataFrame, expected: list[str], tmp_path: Path
) -> None:
    place = str(tmp_path / "saved")
    in_thread(lambda: vit.save(place))
    assert labels(in_thread(lambda: ViTForImageClassification.load(place)), images) == expected


def test_a_pipeline_is_loaded(
    spark: SparkSession, vit: ViTForImageClassification, images: DataFrame, expected: list[str], tmp_path: Path
) -> None:
    place = str(tmp_path / "saved")
    Pipeline(stages=[ImageAssembler(), vit.setInputCols(["image"])]).fit(images).save(place)

    def load() -> PipelineModel:
        # PipelineModel.load is pyspark's own, which over Spark Connect looks for the thread's active session alone.
        assert sparkvision.start() is spark
        return PipelineModel.load(place)

    assert labels(in_thread(load), images) == expected


@pytest.mark.classic_only("over Spark Connect pyspark's own PipelineModel.load needs an active session")
def test_a_pipeline_is_loaded_without_another_call(
    vit: ViTForImageClassification, images: DataFrame, expected: list[str], tmp_path: Path
) -> None:
    place = str(tmp_path / "saved")
    Pipeline(stages=[ImageAssembler(), vit.setInputCols(["image"])]).fit(images).save(place)
    assert labels(in_thread(lambda: PipelineModel.load(place)), images) == expected


def test_a_function_is_registered_with_the_given_session(
    spark: SparkSession, images: DataFrame, expected: list[str]
) -> None:
    def label() -> list[str]:
        sparkvision.register_function(spark, "in_a_thread", EMBEDDED_BUNDLE)
        return [row.label for row in images.selectExpr("in_a_thread(content).label AS label").collect()]

    assert in_thread(label) == expected


def test_metrics_are_told(spark: SparkSession, vit: ViTForImageClassification, expected: list[str]) -> None:
    def told() -> list[int]:
        return [row.images for row in sparkvision.metrics(spark).where(f"stage = '{vit.uid}'").collect()]

    assert in_thread(told) == [len(expected)]


def test_labels_are_given(vit: ViTForImageClassification) -> None:
    assert in_thread(vit.labels) == [str(digit) for digit in range(10)]


def test_start_finds_the_running_session(spark: SparkSession) -> None:
    assert in_thread(sparkvision.start) is spark


@pytest.mark.classic_only("a stage over Spark Connect has no JVM here")
def test_a_light_pipeline_runs_where_its_stages_are(
    vit: ViTForImageClassification, images: DataFrame, expected: list[str], digits: list[Path]
) -> None:
    model = Pipeline(stages=[ImageAssembler(), vit.setInputCols(["image"])]).fit(images)

    def label() -> list[str]:
        with LightPipeline(model) as light:
            return [annotations["class"][0].result for annotations in light.fullAnnotateImage(digits[:4])]

    assert in_thread(label) == expected


@pytest.mark.classic_only("over Spark Connect a local model has a JVM of its own")
@pytest.mark.usefixtures("spark")
def test_a_local_model_runs_in_the_sessions_jvm(spark: SparkSession, digits: list[Path]) -> None:
    def of_session() -> bool:
        with LocalModel("embedded:digits") as model:
            assert model.predict(digits[0])[0][0].label == digits[0].parent.name
            return bool(model._scala._gateway_client is spark._jvm._gateway_client)  # type: ignore[union-attr]

    assert in_thread(of_session)
