"""Saved stages and Pipelines carry their model, from Python."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pyspark.ml import Pipeline, PipelineModel
from pyspark.sql import DataFrame, SparkSession

from sparkvision.errors import BundleError
from sparkvision.ml import ImageAssembler, ViTForImageClassification


def labels(model: PipelineModel | ViTForImageClassification, table: DataFrame) -> list[list[str]]:
    return [row["result"] for row in model.transform(table).select("class.result").collect()]


@pytest.fixture
def model(spark: SparkSession, mixed: DataFrame) -> PipelineModel:
    vit = ViTForImageClassification.pretrained(inputCols="image", outputCol="class", batchSize=3)
    return Pipeline(stages=[ImageAssembler(), vit]).fit(mixed)


def test_saved_pipeline_loads_with_its_params_and_model(model: PipelineModel, mixed: DataFrame, tmp_path: Path) -> None:
    model.save(str(tmp_path / "saved"))
    loaded = PipelineModel.load(str(tmp_path / "saved"))
    assert isinstance(loaded.stages[1], ViTForImageClassification)
    assert loaded.stages[1].getBatchSize() == 3
    assert labels(loaded, mixed) == labels(model, mixed)


def test_overwriting_the_place_it_was_loaded_from_keeps_the_model(
    model: PipelineModel, mixed: DataFrame, tmp_path: Path
) -> None:
    path = str(tmp_path / "saved")
    model.save(path)
    PipelineModel.load(path).write().overwrite().save(path)
    assert labels(PipelineModel.load(path), mixed) == labels(model, mixed)


def test_overwriting_the_place_it_was_loaded_from_keeps_the_model_of_a_stage(
    vit: ViTForImageClassification, mixed: DataFrame, tmp_path: Path
) -> None:
    path = str(tmp_path / "saved")
    vit.save(path)
    ViTForImageClassification.load(path).write().overwrite().save(path)
    assert labels(ViTForImageClassification.load(path), mixed) == labels(vit, mixed)


def test_moved_folder_loads(model: PipelineModel, mixed: DataFrame, tmp_path: Path) -> None:
    model.save(str(tmp_path / "saved"))
    shutil.move(tmp_path / "saved", tmp_path / "moved")
    assert labels(PipelineModel.load(str(tmp_path / "moved")), mixed) == labels(model, mixed)


def test_deleted_source_is_not_missed(
    spark: SparkSession, vit: ViTForImageClassification, mixed: DataFrame, tmp_path: Path
) -> None:
    vit.save(str(tmp_path / "source"))
    stage = ViTForImageClassification.load(str(tmp_path / "source"))
    shutil.rmtree(tmp_path / "source")
    assert labels(stage, mixed) == labels(vit, mixed)
    stage.save(str(tmp_path / "saved"))
    assert labels(ViTForImageClassification.load(str(tmp_path / "saved")), mixed) == labels(vit, mixed)


def test_damaged_saved_model_is_refused(vit: ViTForImageClassification, tmp_path: Path) -> None:
    vit.save(str(tmp_path / "saved"))
    graph = tmp_path / "saved" / "bundle" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"!")
    with pytest.raises(BundleError, match="damaged"):
        ViTForImageClassification.load(str(tmp_path / "saved"))
