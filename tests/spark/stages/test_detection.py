"""Objects are transformers' own, in the upright original image's pixels."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pyspark.ml import Pipeline, PipelineModel
from pyspark.sql import DataFrame, Row, SparkSession
from tests.conftest import upright

from sparkvision import LightPipeline
from sparkvision.errors import BundleError, ParameterError
from sparkvision.export import ExportReport
from sparkvision.export.checkpoint import Checkpoint, load
from sparkvision.local import LocalModel
from sparkvision.ml import (
    DetrForObjectDetection,
    ImageAssembler,
    ImageClassification,
    ObjectDetection,
    YolosForObjectDetection,
)
from sparkvision.report.columns import MOST_SCORES, ReportColumns

TASK = "object-detection"
STAGES: dict[str, type[YolosForObjectDetection] | type[DetrForObjectDetection]] = {
    "YolosForObjectDetection": YolosForObjectDetection,
    "DetrForObjectDetection": DetrForObjectDetection,
}
# Of the twelve queries some are above it in every image, and some below.
THRESHOLD = 0.75
SCORE_TOLERANCE = 1e-3
PIXEL_TOLERANCE = 0.1
SIDES = ("xmin", "ymin", "xmax", "ymax")


@pytest.fixture(scope="module")
def images(photos: list[Path]) -> list[Path]:
    """Wide, tall and turned by EXIF."""
    return [path for path in photos if path.name.startswith(("cat", "exif", "rocket", "webp", "jpeg_baseline_420"))]


@pytest.fixture(scope="module")
def opened(images: list[Path]) -> list[Image.Image]:
    return [upright(path) for path in images]


@pytest.fixture(scope="module")
def table(spark: SparkSession, images: list[Path]) -> DataFrame:
    rows = [(index, path.name, bytearray(path.read_bytes())) for index, path in enumerate(images)]
    return spark.createDataFrame(rows, "id int, path string, content binary").coalesce(1)


both = pytest.mark.parametrize("name", STAGES)


@pytest.fixture
def name() -> str:
    """The model of tests that one is enough for."""
    return "DetrForObjectDetection"


@pytest.fixture
def detector(name: str, tiny_export: Callable[[str, str], ExportReport], spark: SparkSession) -> Any:
    stage = STAGES[name].loadSavedModel(str(tiny_export(name, TASK).bundle.folder), spark)
    return stage.setInputCols(["content"]).setDetectionsCol("objects").setErrorCol("error").setThreshold(THRESHOLD)


@pytest.fixture
def source(name: str, tiny_checkpoint: Callable[[str], Path]) -> Checkpoint:
    return load(tiny_checkpoint(name), TASK)


def transformers_objects(source: Checkpoint, batch: list[Image.Image]) -> list[list[tuple[str, float, list[float]]]]:
    """What transformers finds in one batch of images, best first."""
    inputs = source.processor(batch, return_tensors="pt")
    with torch.no_grad():
        outputs = source.model(**inputs)
    sizes = [(image.height, image.width) for image in batch]
    found = source.processor.post_process_object_detection(outputs, THRESHOLD, sizes)
    labels = source.config.id2label
    return [
        sorted(
            (
                (labels[label.item()], score.item(), box.tolist())
                for label, score, box in zip(one["labels"], one["scores"], one["boxes"], strict=True)
            ),
            key=lambda scored: -scored[1],
        )
        for one in found
    ]


def compare(what: str, rows: list[Row], expected: list[list[tuple[str, float, list[float]]]]) -> None:
    scores, pixels = [0.0], [0.0]
    for row, theirs in zip(rows, expected, strict=True):
        assert [found["label"] for found in row["objects"]] == [label for label, _, _ in theirs]
        for found, (_, score, box) in zip(row["objects"], theirs, strict=True):
            scores.append(abs(found["score"] - score))
            pixels.append(np.abs(np.subtract([found["box"][side] for side in SIDES], box)).max())
    count = sum(map(len, expected))
    print(
        f"\n{what}: {count} objects in {len(expected)} images, largest difference of a score {max(scores):.2e}, of a "
        f"box {max(pixels):.2e} pixels"
    )
    assert max(scores) <= SCORE_TOLERANCE and max(pixels) <= PIXEL_TOLERANCE
    # Objects that are all alike would make this comparison prove little.
    assert len(expected) <= count < 12 * len(expected)
    assert max(np.std([box for _, _, box in theirs], axis=0).max() for theirs in expected) > 100 * PIXEL_TOLERANCE


@both
def test_objects_are_transformers_own(
    name: str, detector: Any, source: Checkpoint, table: DataFrame, opened: list[Image.Image]
) -> None:
    rows = detector.transform(table).orderBy("id").collect()
    assert [row["error"] for row in rows] == [None] * len(opened)
    compare(name, rows, [transformers_objects(source, [image])[0] for image in opened])


@both
def test_images_of_several_sizes_in_one_batch_are_padded_as_transformers_pads_them(
    name: str, detector: Any, source: Checkpoint, table: DataFrame, opened: list[Image.Image]
) -> None:
    rows = detector.setBatchSize(len(opened)).transform(table).orderBy("id").collect()
    compare(f"{name}, one batch", rows, transformers_objects(source, opened))


def test_best_first_and_at_most_top_k(detector: Any, table: DataFrame) -> None:
    every = detector.transform(table).orderBy("id").collect()
    best = detector.setTopK(2).transform(table).orderBy("id").collect()
    assert [row["objects"] for row in best] == [row["objects"][:2] for row in every]
    for row in every:
        scores = [found["score"] for found in row["objects"]]
        assert scores == sorted(scores, reverse=True) and min(scores) > THRESHOLD


def test_bad_images_keep_their_rows(detector: Any, mixed: DataFrame) -> None:
    alone = detector.setOutputCol("annotations").transform(mixed).collect()
    batched = detector.setBatchSize(3).transform(mixed).collect()
    for rows in (alone, batched):
        assert [row["error"] is None for row in rows] == [True, True, False, True, True, False]
        assert [row["objects"] is not None for row in rows] == [True, True, False, True, True, False]
        assert [row["annotations"] for row in rows if row["error"]] == [[], []]


def test_an_image_too_long_and_narrow_has_a_reason(detector: Any, spark: SparkSession, digits: list[Path]) -> None:
    file = io.BytesIO()
    Image.new("L", (20000, 1)).save(file, "PNG")
    good = bytearray(digits[0].read_bytes())
    rows = [(0, good), (1, bytearray(file.getvalue())), (2, good)]
    table = spark.createDataFrame(rows, "id int, content binary").coalesce(1)
    found = detector.setBatchSize(3).transform(table).orderBy("id").collect()
    assert [row["error"] is None for row in found] == [True, False, True]
    assert "too long and narrow" in found[1]["error"]


def test_annotations_say_the_same_as_the_typed_column(detector: Any, table: DataFrame, images: list[Path]) -> None:
    rows = detector.setOutputCol("annotations").transform(table).orderBy("id").collect()
    for row, path in zip(rows, images, strict=True):
        for annotation, found in zip(row["annotations"], row["objects"], strict=True):
            assert (annotation["annotatorType"], annotation["result"]) == ("detection", found["label"])
            numbers = {"score": found["score"], **found["box"].asDict()}
            assert {key: np.float32(annotation["metadata"][key]) for key in numbers} == numbers
            assert annotation["metadata"]["origin"] == path.name


def test_a_report_shows_labels_and_scores_of_the_objects(detector: Any, table: DataFrame) -> None:
    found = detector.setOutputCol("found").transform(table)
    rows = found.select("objects", ReportColumns.of(found).scores.alias("shown")).collect()
    assert any(row["objects"] for row in rows)
    for row in rows:
        expected = [(one["label"], pytest.approx(one["score"])) for one in row["objects"][:MOST_SCORES]]
        assert [(one["label"], one["score"]) for one in row["shown"]] == expected


def test_a_saved_detector_finds_the_same(name: str, detector: Any, table: DataFrame, tmp_path: Path) -> None:
    detector.save(str(tmp_path / "saved"))
    loaded = STAGES[name].load(str(tmp_path / "saved"))
    assert loaded.getBatchSize() == 1 and loaded.getTopK() is None
    expected = [row["objects"] for row in detector.transform(table).orderBy("id").collect()]
    assert [row["objects"] for row in loaded.transform(table).orderBy("id").collect()] == expected


def test_a_stream_finds_the_same(detector: Any, table: DataFrame, spark: SparkSession, tmp_path: Path) -> None:
    table.write.parquet(str(tmp_path / "in"))
    stream = spark.readStream.schema(table.schema).parquet(str(tmp_path / "in"))
    writer = detector.transform(stream).select("id", "objects").writeStream.format("parquet")
    query = (
        writer.option("checkpointLocation", str(tmp_path / "c")).trigger(availableNow=True).start(str(tmp_path / "out"))
    )
    assert query.awaitTermination(120)
    expected = [row["objects"] for row in detector.transform(table).orderBy("id").collect()]
    found = spark.read.parquet(str(tmp_path / "out")).orderBy("id").collect()
    assert [row["objects"] for row in found] == expected


@pytest.mark.classic_only("a stage over Spark Connect has no JVM here")
def test_light_pipelines_annotations_are_the_pipelines(detector: Any, images: list[Path], spark: SparkSession) -> None:
    rows = [(str(path), bytearray(path.read_bytes())) for path in images]
    files = spark.createDataFrame(rows, "path string, content binary").coalesce(1)
    stages = [ImageAssembler(), detector.setInputCols(["image"]).setOutputCol("found")]
    model: PipelineModel = Pipeline(stages=stages).fit(files)
    expected = [[one.asDict() for one in row["found"]] for row in model.transform(files).collect()]
    with LightPipeline(model) as light:
        found = light.fullAnnotateImage([str(path) for path in images])
    assert [[asdict(one) for one in answer["found"]] for answer in found] == expected


def test_a_local_model_detects_the_same(
    name: str, tiny_export: Callable[[str, str], ExportReport], detector: Any, table: DataFrame, images: list[Path]
) -> None:
    expected = [row["objects"] for row in detector.transform(table).orderBy("id").collect()]
    with LocalModel(tiny_export(name, TASK).bundle.folder) as model:
        found = model.detect(images, threshold=THRESHOLD)
        assert [len(one) for one in model.detect(images, threshold=THRESHOLD, top_k=1)] == [1] * len(images)
        assert model.detect([b"no image"], on_error="null") == [[]]
        with pytest.raises(ParameterError, match="threshold must be between 0 and 1, not NaN"):
            model.detect(images[:1], threshold=float("nan"))
        with pytest.raises(BundleError, match="no logits"):
            model.logits(images[:1])
        with pytest.raises(BundleError, match="no one shape"):
            model.preprocess(images[:1])
    for ours, theirs in zip(found, expected, strict=True):
        assert [one.label for one in ours] == [one["label"] for one in theirs]
        np.testing.assert_allclose(
            [list(asdict(one.box).values()) for one in ours],
            [[one["box"][side] for side in SIDES] for one in theirs],
            atol=1e-3,
        )


def test_a_draft_of_a_large_jpeg_has_boxes_in_the_whole_images_pixels(
    name: str, tiny_export: Callable[[str, str], ExportReport], opened: list[Image.Image]
) -> None:
    file = io.BytesIO()
    opened[0].resize((2400, 1600)).save(file, "JPEG", quality=95)
    bundle = tiny_export(name, TASK).bundle.folder
    with LocalModel(bundle) as exact, LocalModel(bundle, decode_mode="fast") as fast:
        (expected,), (found,) = (model.detect(file.getvalue(), THRESHOLD) for model in (exact, fast))
    assert found and [one.label for one in found] == [one.label for one in expected]
    for ours, theirs in zip(found, expected, strict=True):
        # A tenth of the image: the pixels are others. Boxes of the draft, half as large, would be far away.
        np.testing.assert_allclose(list(asdict(ours.box).values()), list(asdict(theirs.box).values()), atol=240)


@both
def test_the_generic_stage_finds_the_same_objects_as_the_named_stage(
    detector: Any, table: DataFrame, spark: SparkSession
) -> None:
    generic = ObjectDetection.loadSavedModel(detector.getModelPath(), spark).setInputCols(["content"])
    generic.setDetectionsCol("objects").setThreshold(THRESHOLD)
    found, expected = (stage.transform(table).select("objects").collect() for stage in (generic, detector))
    assert found == expected and any(row["objects"] for row in found)


@both
def test_a_detector_is_refused_by_other_stages_naming_the_right_one(
    name: str, tiny_export: Callable[[str, str], ExportReport], spark: SparkSession
) -> None:
    folder = str(tiny_export(name, TASK).bundle.folder)
    with pytest.raises(BundleError, match=f"does not label images. Use {name}"):
        ImageClassification.loadSavedModel(folder, spark)
    (other,) = (stage for key, stage in STAGES.items() if key != name)
    with pytest.raises(BundleError, match=f"Use {name}"):
        other.loadSavedModel(folder, spark)
    with pytest.raises(BundleError, match="Use ViTForImageClassification"):
        STAGES[name].loadSavedModel("embedded:digits", spark)


def test_a_detector_without_columns_says_which_there_are(detector: Any, table: DataFrame) -> None:
    for column in ("detectionsCol", "errorCol"):
        detector.clear(detector.getParam(column))
    with pytest.raises(ParameterError, match="outputCol, detectionsCol, errorCol"):
        detector.transform(table)
