"""LightPipeline gives a Pipeline's labels without a Spark job."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import SQLTransformer
from pyspark.sql import DataFrame, SparkSession

from sparkvision import LightPipeline
from sparkvision.errors import ParameterError
from sparkvision.local import ImageInput
from sparkvision.ml import ImageAssembler, ViTForImageClassification

pytestmark = pytest.mark.classic_only("a stage over Spark Connect has no JVM here")


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


def test_annotations_are_the_rows_of_the_category_column(
    spark: SparkSession, model: PipelineModel, photos: list[Path], digits: list[Path]
) -> None:
    # One upright, one that EXIF turns (height and width change places), one of a single channel, one digit.
    names = ["cat_chelsea.png", "exif_portrait_orientation_6.jpg", "brick_wall_gray.png"]
    images = [*(str(photo) for photo in photos if photo.name in names), str(digits[0])]
    assert len(images) == 4
    table = [(path, bytearray(Path(path).read_bytes())) for path in images]
    rows = model.transform(spark.createDataFrame(table, "path string, content binary").coalesce(1)).collect()
    with LightPipeline(model) as light:
        answers = light.fullAnnotateImage(images)
    for row, answer in zip(rows, answers, strict=True):
        for expected, found in zip(row["class"], answer["class"], strict=True):
            assert [field.name for field in fields(found)] == list(expected.asDict())
            different = {"metadata": None}
            assert asdict(found) | different == expected.asDict() | different
            labels = {annotation["result"] for annotation in row["class"]}
            facts, scores = split(found.metadata, labels)
            expected_facts, expected_scores = split(expected["metadata"], labels)
            assert facts == expected_facts
            # In other batches the last digits of a score may differ.
            assert {name: float(score) for name, score in scores.items()} == pytest.approx(
                {name: float(score) for name, score in expected_scores.items()}, abs=1e-6
            )


def split(metadata: dict[str, str], labels: set[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Separate what is known of the image from the labels' scores."""
    scores = {name: value for name, value in metadata.items() if name in labels}
    return {name: value for name, value in metadata.items() if name not in labels}, scores


def test_a_closed_pipeline_runs_no_more(model: PipelineModel, digits: list[Path]) -> None:
    with LightPipeline(model) as light:
        assert light.fullAnnotateImage(str(digits[0]))
    with pytest.raises(ParameterError, match="closed"):
        light.fullAnnotateImage(str(digits[0]))


def test_one_image_gives_a_list_of_one(model: PipelineModel, digits: list[Path]) -> None:
    assert len(LightPipeline(model).fullAnnotateImage(str(digits[0]))) == 1


def test_images_arrays_and_urls_give_what_their_file_gives(model: PipelineModel, digits: list[Path]) -> None:
    image = Image.open(digits[0])
    kinds: list[ImageInput] = [
        digits[0],
        digits[0].as_uri(),
        digits[0].read_bytes(),
        image,
        np.asarray(image.convert("L")),
    ]
    with LightPipeline(model) as light:
        answers = light.fullAnnotate(kinds)
        assert answers == [light.fullAnnotateImage(kind)[0] for kind in kinds]
    results = [[annotation.result for annotation in answer["class"]] for answer in answers]
    assert results == [results[0]] * len(kinds)
    assert [answer["class"][0].metadata["origin"] for answer in answers] == [
        str(digits[0]),
        digits[0].as_uri(),
        "",
        "",
        "",
    ]


def test_annotate_gives_labels_alone(model: PipelineModel, digits: list[Path]) -> None:
    with LightPipeline(model) as light:
        one, several = light.annotate(digits[0]), light.annotate([digits[0], b"broken"])
        full = light.fullAnnotateImage(digits[0])
    assert one == {"class": [annotation.result for annotation in full[0]["class"]]}
    assert isinstance(several, list) and several[0] == one
    assert several[1]["class"] == [] and "JPEG" in several[1]["error"][0]


def test_threads_share_one_light_pipeline(model: PipelineModel, digits: list[Path]) -> None:
    files = digits[::12]
    with LightPipeline(model) as light, ThreadPoolExecutor(6) as pool:
        expected = [light.annotate(file) for file in files]
        assert list(pool.map(light.annotate, files)) == expected


def test_it_runs_no_spark_job(spark: SparkSession, model: PipelineModel, digits: list[Path]) -> None:
    tracker = spark.sparkContext.statusTracker()
    before = tracker.getJobIdsForGroup()
    with LightPipeline(model) as light:
        light.annotate(digits[0])
    assert tracker.getJobIdsForGroup() == before


def test_unreadable_image_gives_its_reason(model: PipelineModel) -> None:
    (answer,) = LightPipeline(model).fullAnnotateImage("/no/such/image.png")
    assert answer["class"][0].annotatorType == "error"
    assert "/no/such/image.png" in answer["class"][0].result


def test_stages_of_others_are_refused_by_name(model: PipelineModel) -> None:
    foreign = PipelineModel([*model.stages, SQLTransformer(statement="SELECT * FROM __THIS__")])
    with pytest.raises(ParameterError, match="SQLTransformer"):
        LightPipeline(foreign)


def test_fast_decoding_reaches_it_and_the_pipeline_alike(
    spark: SparkSession, vit: ViTForImageClassification, photos: list[Path]
) -> None:
    (photo,) = (str(photo) for photo in photos if photo.name == "exif_portrait_orientation_6.jpg")
    images = spark.createDataFrame([(photo, bytearray(Path(photo).read_bytes()))], "path string, content binary")

    def scores(mode: Literal["exact", "fast"]) -> list[list[float]]:
        stage = vit.setInputCols(["image"]).setTopK(10).setDecodeMode(mode)
        model = Pipeline(stages=[ImageAssembler(), stage]).fit(images)
        with LightPipeline(model) as light:
            here = light.fullAnnotateImage(photo)[0]["class"][0].metadata
        there = model.transform(images).collect()[0]["class"][0]["metadata"]
        return [[float(metadata[str(digit)]) for digit in range(10)] for metadata in (here, there)]

    fast, exact = scores("fast"), scores("exact")
    assert fast[0] == pytest.approx(fast[1], abs=1e-6)
    assert fast[0] != pytest.approx(exact[0], abs=1e-6)
