"""`ImageCropper`: boxes of an image become images, with Pillow's pixels, for the next stage to read."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyspark.ml import Pipeline
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from tests.conftest import FIXTURES, upright

import sparkvision
from sparkvision.errors import ParameterError
from sparkvision.export import ExportReport
from sparkvision.ml import (
    ImageAssembler,
    ImageCropper,
    ViTForImageClassification,
    ViTImageEmbeddings,
    YolosForObjectDetection,
)

Box = tuple[float, float, float, float]

DETECTIONS = "array<struct<label string, score float, box struct<xmin float, ymin float, xmax float, ymax float>>>"
NAN = float("nan")
TURNED = sorted((FIXTURES / "photos").glob("exif_*"))


def table(spark: SparkSession, images: Sequence[tuple[str, bytes | None, Sequence[Box] | None]]) -> DataFrame:
    """Return rows of an image and what a detection stage would have found in it."""
    rows = [
        (name, content, None if boxes is None else [("thing", 0.5, tuple(map(float, box))) for box in boxes])
        for name, content, boxes in images
    ]
    return spark.createDataFrame(rows, f"path string, content binary, detections {DETECTIONS}").coalesce(1)


def some_boxes(image: Image.Image, seed: int) -> list[Box]:
    """Return boxes with edges at and between pixels, as a detector's 32-bit floats have them."""
    generator = random.Random(seed)

    def edges(length: int) -> tuple[float, float]:
        first, last = sorted((generator.uniform(0, length - 2), generator.uniform(0, length - 2)))
        return round(first * 2) / 2, last + 2

    boxes = []
    for _ in range(4):
        (left, right), (top, bottom) = edges(image.width), edges(image.height)
        boxes.append(tuple(float(np.float32(edge)) for edge in (left, top, right, bottom)))
    return [*boxes, (0.0, 0.0, float(image.width), float(image.height))]  # type: ignore[list-item]


def bgr(crop: Image.Image) -> bytes:
    """Return the bytes that an annotation of this image has."""
    return np.asarray(crop)[:, :, ::-1].tobytes()


def digests(cropped: DataFrame) -> list[list[tuple[int, int, str]]]:
    """Return width, height and hash of each row's crops: the pixels themselves take long on their way to Python."""
    row = cropped.select(F.expr("transform(crop, c -> struct(c.width, c.height, sha2(c.result, 256)))")).collect()
    return [[tuple(crop) for crop in crops] for (crops,) in row]


def expected_digests(image: Image.Image, boxes: Sequence[Box]) -> list[tuple[int, int, str]]:
    """Return the same of Pillow's crops."""
    crops = [image.crop(box) for box in boxes]
    return [(*crop.size, hashlib.sha256(bgr(crop)).hexdigest()) for crop in crops]


def png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def cropper(column: str = "content") -> ImageCropper:
    return ImageCropper().setInputCols(column, "detections").setErrorCol("error")


@pytest.mark.parametrize("decode", [None, False, True], ids=["bytes", "encoded", "decoded"])
def test_crops_are_pillows_byte_for_byte(spark: SparkSession, photos: list[Path], decode: bool | None) -> None:
    boxes = [some_boxes(upright(file), seed) for seed, file in enumerate(photos)]
    frame = table(spark, [(f.name, f.read_bytes(), found) for f, found in zip(photos, boxes, strict=True)])
    if decode is not None:
        frame = ImageAssembler().setDecode(decode).transform(frame)
    crops = digests(cropper("content" if decode is None else "image").transform(frame))
    for file, found, of_image in zip(photos, boxes, crops, strict=True):
        assert of_image == expected_digests(upright(file), found), file.name
    print(f"\n{sum(map(len, boxes))} crops of {len(photos)} images equal Pillow's")


def test_boxes_are_in_pixels_of_the_image_as_exif_turns_it(spark: SparkSession) -> None:
    # All of these show the same image once they are turned.
    boxes = some_boxes(upright(TURNED[0]), 1)
    crops = digests(cropper().transform(table(spark, [(f.name, f.read_bytes(), boxes) for f in TURNED])))
    assert crops == [expected_digests(upright(file), boxes) for file in TURNED]


def test_a_box_that_reaches_out_of_the_image_ends_at_its_edge(spark: SparkSession, photos: list[Path]) -> None:
    image = upright(photos[0])
    frame = table(spark, [("", photos[0].read_bytes(), [(-7.4, 10, 1e9, 30.5)])])
    assert digests(cropper().transform(frame)) == [expected_digests(image, [(0, 10, image.width, 30)])]


def test_a_crop_keeps_what_is_known_of_it(spark: SparkSession, photos: list[Path]) -> None:
    frame = table(spark, [("here.png", photos[0].read_bytes(), [(1, 2, 3, 4), (0.6, 5, 9.5, 8)])])
    crop = cropper().transform(frame).collect()[0]["crop"][1]
    assert (crop["annotatorType"], crop["origin"], crop["width"], crop["height"]) == ("image", "here.png", 9, 3)
    edges = {"xmin": "1", "ymin": "5", "xmax": "10", "ymax": "8"}
    assert crop["metadata"] == {"label": "thing", "score": "0.5", "detection": "1", **edges}


def test_boxes_of_ones_own_need_no_label_and_no_score(spark: SparkSession, photos: list[Path]) -> None:
    frame = spark.createDataFrame([(photos[0].read_bytes(),)], "content binary").withColumn(
        "detections", F.expr("array(struct(struct(1 xmin, 2 ymin, 5L xmax, 7.5D ymax) box))")
    )
    assert digests(cropper().transform(frame)) == [expected_digests(upright(photos[0]), [(1, 2, 5, 8)])]


def test_a_box_without_pixels_gives_its_reason_between_the_others(spark: SparkSession, photos: list[Path]) -> None:
    boxes: list[Box] = [(0, 0, 9, 9), (NAN, 0, 9, 9), (5, 5, 5, 9), (-9, -9, 0, 0), (1, 1, 3, 3)]
    frame = table(spark, [("", photos[0].read_bytes(), boxes)])
    (row,) = cropper().transform(frame).collect()
    reasons = [crop["metadata"].get("error") for crop in row["crop"]]
    assert [crop["result"] is None for crop in row["crop"]] == [False, True, True, True, False]
    assert "not a number" in reasons[1] and "(5.0, 5.0, 5.0, 9.0) holds no pixel" in reasons[2]
    assert row["error"] == "; ".join(f"detection {index}: {reasons[index]}" for index in (1, 2, 3))


def test_a_null_box_gives_its_reason(spark: SparkSession, photos: list[Path]) -> None:
    frame = table(spark, [("", photos[0].read_bytes(), [(0, 0, 9, 9)])])
    (row,) = cropper().transform(frame.withColumn("detections", F.expr("array(null, detections[0])"))).collect()
    assert "not a number" in row["crop"][0]["metadata"]["error"] and row["crop"][1]["result"] is not None


@pytest.fixture
def bad(spark: SparkSession, digits: list[Path]) -> DataFrame:
    """Good images, one without detections, between those that cannot be used."""
    good = digits[0].read_bytes()
    box: list[Box] = [(0, 0, 9, 9), (1, 1, 8, 8)]
    return table(
        spark,
        [
            ("good", good, box),
            ("null", None, box),
            ("broken", good[:40], box),
            ("missed", good[:40], None),
            ("empty", good, []),
            ("unseen", good, None),
            ("again", good, box),
        ],
    )


def test_a_bad_image_has_no_crops_and_its_reason(bad: DataFrame) -> None:
    rows = {row["path"]: row for row in cropper().transform(bad).collect()}
    assert [len(row["crop"]) for row in rows.values()] == [2, 0, 0, 0, 0, 0, 2]
    assert [name for name, row in rows.items() if row["error"]] == ["null", "broken", "missed", "unseen"]
    assert rows["null"]["error"] == "the image is null"
    assert rows["broken"]["error"] == rows["missed"]["error"] and "PNG" in rows["broken"]["error"]
    assert "detections are null" in rows["unseen"]["error"]


def test_bad_images_are_dropped_or_fail_the_job_as_badImageMode_says(bad: DataFrame) -> None:
    kept = cropper().setBadImageMode("DROPMALFORMED").transform(bad).collect()
    assert [row["path"] for row in kept] == ["good", "empty", "again"]
    with pytest.raises(Exception, match="The image null cannot be used: the image is null"):
        cropper().setBadImageMode("FAILFAST").transform(bad).collect()


def test_exploded_each_crop_has_a_row_and_so_has_a_bad_image(bad: DataFrame) -> None:
    rows = cropper().setExplode(True).transform(bad).collect()
    names = ["good", "good", "null", "broken", "missed", "unseen", "again", "again"]
    assert [row["path"] for row in rows] == names
    assert [len(row["crop"]) for row in rows] == [1, 1, 0, 0, 0, 0, 1, 1]
    assert [row["error"] is None for row in rows] == [True, True, False, False, False, False, True, True]


def test_exploded_an_image_without_detections_keeps_its_row_if_keepEmpty_says_so(bad: DataFrame) -> None:
    rows = cropper().setExplode(True).setKeepEmpty(True).setBadImageMode("DROPMALFORMED").transform(bad).collect()
    assert [row["path"] for row in rows] == ["good", "good", "empty", "again", "again"]
    assert rows[2]["crop"] == [] and rows[2]["error"] is None


def test_images_larger_than_maxImagePixels_are_refused(bad: DataFrame) -> None:
    row = cropper().setMaxImagePixels(1000).transform(bad).collect()[0]
    assert row["crop"] == [] and "too large" in row["error"]


def test_a_stage_refuses_an_array_of_several_crops_and_says_what_to_do(spark: SparkSession, bad: DataFrame) -> None:
    vit = ViTForImageClassification.pretrained().setInputCols("crop").setOutputCol("class").setErrorCol("reason")
    row = vit.transform(cropper().transform(bad)).collect()[0]
    assert row["class"] == []
    assert row["reason"] == "the array has 2 images, and a stage takes one: explode it first"


@pytest.fixture
def detector(spark: SparkSession, tiny_export: Callable[[str, str], ExportReport]) -> YolosForObjectDetection:
    bundle = tiny_export("YolosForObjectDetection", "object-detection").bundle.folder
    # Low, so that random weights find something in every image.
    stage = YolosForObjectDetection.loadSavedModel(str(bundle), spark).setThreshold(0.3).setTopK(3)
    return stage.setInputCols("image").setDetectionsCol("detections")


@pytest.fixture
def embedder(spark: SparkSession, tiny_export: Callable[[str, str], ExportReport]) -> ViTImageEmbeddings:
    bundle = tiny_export("ViTForImageClassification", "feature-extraction").bundle.folder
    return ViTImageEmbeddings.loadSavedModel(str(bundle), spark).setEmbeddingsCol("embedding")


def test_a_pipeline_from_images_to_embedded_objects_decodes_each_once_and_shuffles_nothing(
    spark: SparkSession,
    photos: list[Path],
    detector: YolosForObjectDetection,
    embedder: ViTImageEmbeddings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [file for file in photos if file.name.startswith(("cat", "exif", "rocket", "webp"))]
    rows = [(file.name, bytearray(file.read_bytes())) for file in files]
    frame = spark.createDataFrame(rows, "path string, content binary").coalesce(1)
    stages = [detector, cropper("image").setExplode(True), embedder.setInputCols("crop")]
    result = Pipeline(stages=[ImageAssembler(), *stages]).fit(frame).transform(frame)
    capsys.readouterr()
    result.explain()
    assert "Exchange" not in capsys.readouterr().out
    crops = result.select("path", "detections", "embedding", F.expr("crop[0].metadata['detection']")).collect()
    assert {row["path"] for row in crops} == {file.name for file in files}
    totals = {row["stage"]: row for row in sparkvision.metrics(spark).collect()}
    assert [totals[stage.uid]["decoded"] for stage in stages] == [len(files), 0, 0]
    assert [totals[stage.uid]["images"] for stage in stages] == [len(files), len(files), len(crops)]

    def pillows(row: Row) -> bytes:
        box = row["detections"][int(row[3])]["box"]
        image = upright(next(file for file in files if file.name == row["path"]))
        edges = (max(round(box[0]), 0), max(round(box[1]), 0))
        return png(image.crop((*edges, min(round(box[2]), image.width), min(round(box[3]), image.height))))

    alone = spark.createDataFrame([(pillows(row),) for row in crops], "content binary").coalesce(1)
    expected = [row["embedding"].toArray() for row in embedder.setInputCols("content").transform(alone).collect()]
    found = [row["embedding"].toArray() for row in crops]
    print(f"\n{len(crops)} crops: largest difference of an embedding {np.abs(np.subtract(found, expected)).max():.2g}")
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_saved_in_a_pipeline_it_gives_the_same_crops(bad: DataFrame, tmp_path: Path) -> None:
    pipeline = Pipeline(stages=[cropper().setExplode(True).setKeepEmpty(True)]).fit(bad)
    pipeline.save(str(tmp_path / "saved"))
    loaded = type(pipeline).load(str(tmp_path / "saved"))
    assert loaded.transform(bad).collect() == pipeline.transform(bad).collect()


def test_a_stream_gives_every_crop_once(bad: DataFrame, spark: SparkSession, tmp_path: Path) -> None:
    bad.repartition(3).write.parquet(str(tmp_path / "in"))
    stream = spark.readStream.schema(bad.schema).option("maxFilesPerTrigger", 1).parquet(str(tmp_path / "in"))
    crops = cropper().setExplode(True).transform(stream).select("path", "crop.width", "error")
    writer = crops.writeStream.format("parquet").option("checkpointLocation", str(tmp_path / "checkpoint"))
    assert writer.trigger(availableNow=True).start(str(tmp_path / "out")).awaitTermination(60)
    found = spark.read.parquet(str(tmp_path / "out")).collect()
    expected = cropper().setExplode(True).transform(bad).select("path", "crop.width", "error").collect()
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_a_detections_column_of_another_type_is_refused_by_name(bad: DataFrame) -> None:
    with pytest.raises(ParameterError, match="'path' has type string, which cannot hold detections"):
        cropper().setInputCols("content", "path").transform(bad)
