"""LightPipeline gives a Pipeline's labels without a Spark job."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import SQLTransformer
from pyspark.sql import DataFrame

from sparkvision import LightPipeline
from sparkvision.errors import ParameterError
from sparkvision.ml import ImageAssembler, ViTForImageClassification


@pytest.fixture
def model(vit: ViTForImageClassification, mixed: DataFrame) -> PipelineModel:
    return Pipeline(stages=[ImageAssembler(), vit.setInputCols(["image"]).setTopK(2)]).fit(mixed)


def test_it_gives_what_the_pipeline_gives(model: PipelineModel, mixed: DataFrame, digits: list[Path]) -> None:
    rows = model.transform(mixed.where("path like '%png' and path != 'broken.png' and content is not null")).collect()
    light = LightPipeline(model).fullAnnotateImage([str(file) for file in digits[:4]])
    assert [[a.result for a in one["class"]] for one in light] == [[a["result"] for a in r["class"]] for r in rows]
    best = light[0]["class"][0]
    assert float(best.metadata[best.result]) == pytest.approx(
        float(rows[0]["class"][0]["metadata"][best.result]), abs=1e-5
    )


def test_one_picture_gives_a_list_of_one(model: PipelineModel, digits: list[Path]) -> None:
    assert len(LightPipeline(model).fullAnnotateImage(str(digits[0]))) == 1


def test_unreadable_picture_gives_its_reason(model: PipelineModel) -> None:
    (answer,) = LightPipeline(model).fullAnnotateImage("/no/such/picture.png")
    assert answer["class"][0].annotatorType == "error"
    assert "/no/such/picture.png" in answer["class"][0].result


def test_stages_of_others_are_refused_by_name(model: PipelineModel) -> None:
    foreign = PipelineModel([*model.stages, SQLTransformer(statement="SELECT * FROM __THIS__")])
    with pytest.raises(ParameterError, match="SQLTransformer"):
        LightPipeline(foreign)
