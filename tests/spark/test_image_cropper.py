"""`ImageCropper`: boxes of a picture become pictures, with Pillow's pixels, for the next stage to read."""

from __future__ import annotations

import random
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from pyspark.ml import Pipeline
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from tests.conftest import FIXTURES

import sparkvision
from sparkvision.errors import ParameterError
from sparkvision.ml import ImageAssembler, ImageCropper, ViTForImageClassification

Box = tuple[float, float, float, float]

DETECTIONS = "array<struct<label string, score float, box struct<xmin float, ymin float, xmax float, ymax float>>>"
NAN = float("nan")
TURNED = sorted((FIXTURES / "photos").glob("exif_*"))


def table(spark: SparkSession, pictures: Sequence[tuple[str, bytes | None, Sequence[Box] | None]]) -> DataFrame:
    """Give rows of a picture and what a detection stage would have found in it."""
    rows = [
        (name, content, None if boxes is None else [("thing", 0.5, box) for box in boxes])
        for name, content, boxes in pictures
    ]
    return spark.createDataFrame(rows, f"path string, content binary, detections {DETECTIONS}").coalesce(1)


def upright(file: Path | bytes) -> Image.Image:
    with Image.open(BytesIO(file) if isinstance(file, bytes) else file) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def some_boxes(picture: Image.Image, seed: int) -> list[Box]:
    """Boxes with edges at and between pixels, as a detector's 32-bit floats have them."""
    generator = random.Random(seed)

    def edges(length: int) -> tuple[float, float]:
        first, last = sorted((generator.uniform(0, length - 2), generator.uniform(0, length - 2)))
        return round(first * 2) / 2, last + 2

    boxes = []
    for _ in range(4):
        (left, right), (top, bottom) = edges(picture.width), edges(picture.height)
        boxes.append(tuple(float(np.float32(edge)) for edge in (left, top, right, bottom)))
    return [*boxes, (0.0, 0.0, float(picture.width), float(picture.height))]  # type: ignore[list-item]


def rgb(annotation: Row) -> np.ndarray:
    """Give the pixels of an annotation, which are BGR."""
    bgr = np.frombuffer(annotation["result"], np.uint8)
    return bgr.reshape(annotation["height"], annotation["width"], 3)[:, :, ::-1]


def cropper(column: str = "content") -> ImageCropper:
    return ImageCropper().setInputCols(column, "detections").setErrorCol("error")


@pytest.mark.parametrize("decode", [None, False, True], ids=["bytes", "encoded", "decoded"])
def test_crops_are_pillows_byte_for_byte(spark: SparkSession, photos: list[Path], decode: bool | None) -> None:
    boxes = {file.name: some_boxes(upright(file), seed) for seed, file in enumerate(photos)}
    frame = table(spark, [(file.name, file.read_bytes(), boxes[file.name]) for file in photos])
    if decode is not None:
        frame = ImageAssembler().setDecode(decode).transform(frame)
    stage = cropper("content" if decode is None else "image")
    rows = {row["path"]: row for row in stage.transform(frame).select("path", "crop", "error").collect()}
    for file in photos:
        row, picture = rows[file.name], upright(file)
        assert row["error"] is None and len(row["crop"]) == len(boxes[file.name])
        for crop, box in zip(row["crop"], boxes[file.name], strict=True):
            np.testing.assert_array_equal(rgb(crop), np.asarray(picture.crop(box)), err_msg=f"{file.name} {box}")
    print(f"\n{sum(map(len, boxes.values()))} crops of {len(photos)} pictures equal Pillow's")


def test_boxes_are_in_pixels_of_the_picture_as_exif_turns_it(spark: SparkSession) -> None:
    # All of these show the same picture once they are turned.
    boxes = some_boxes(upright(TURNED[0]), 1)
    rows = cropper().transform(table(spark, [(f.name, f.read_bytes(), boxes) for f in TURNED])).collect()
    for row, file in zip(rows, TURNED, strict=True):
        for crop, box in zip(row["crop"], boxes, strict=True):
            np.testing.assert_array_equal(rgb(crop), np.asarray(upright(file).crop(box)))


def test_a_box_that_reaches_out_of_the_picture_ends_at_its_edge(spark: SparkSession, photos: list[Path]) -> None:
    picture = upright(photos[0])
    frame = table(spark, [("", photos[0].read_bytes(), [(-7.4, 10, 1e9, 30.5)])])
    (row,) = cropper().transform(frame).collect()
    np.testing.assert_array_equal(rgb(row["crop"][0]), np.asarray(picture.crop((0, 10, picture.width, 30))))


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
    (row,) = cropper().transform(frame).collect()
    np.testing.assert_array_equal(rgb(row["crop"][0]), np.asarray(upright(photos[0]).crop((1, 2, 5, 8))))


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
    """Good pictures, one without detections, between those that cannot be used."""
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


def test_a_bad_picture_has_no_crops_and_its_reason(bad: DataFrame) -> None:
    rows = {row["path"]: row for row in cropper().transform(bad).collect()}
    assert [len(row["crop"]) for row in rows.values()] == [2, 0, 0, 0, 0, 0, 2]
    assert [name for name, row in rows.items() if row["error"]] == ["null", "broken", "missed", "unseen"]
    assert rows["null"]["error"] == "the picture is null"
    assert rows["broken"]["error"] == rows["missed"]["error"] and "PNG" in rows["broken"]["error"]
    assert "detections are null" in rows["unseen"]["error"]


def test_bad_pictures_are_dropped_or_fail_the_job_as_badImageMode_says(bad: DataFrame) -> None:
    kept = cropper().setBadImageMode("DROPMALFORMED").transform(bad).collect()
    assert [row["path"] for row in kept] == ["good", "empty", "again"]
    with pytest.raises(Exception, match="The picture null cannot be used: the picture is null"):
        cropper().setBadImageMode("FAILFAST").transform(bad).collect()


def test_exploded_each_crop_has_a_row_and_so_has_a_bad_picture(bad: DataFrame) -> None:
    rows = cropper().setExplode(True).transform(bad).collect()
    names = ["good", "good", "null", "broken", "missed", "unseen", "again", "again"]
    assert [row["path"] for row in rows] == names
    assert [len(row["crop"]) for row in rows] == [1, 1, 0, 0, 0, 0, 1, 1]
    assert [row["error"] is None for row in rows] == [True, True, False, False, False, False, True, True]


def test_exploded_a_picture_without_detections_keeps_its_row_if_keepEmpty_says_so(bad: DataFrame) -> None:
    rows = cropper().setExplode(True).setKeepEmpty(True).setBadImageMode("DROPMALFORMED").transform(bad).collect()
    assert [row["path"] for row in rows] == ["good", "good", "empty", "again", "again"]
    assert rows[2]["crop"] == [] and rows[2]["error"] is None


def test_pictures_larger_than_maxImagePixels_are_refused(bad: DataFrame) -> None:
    row = cropper().setMaxImagePixels(1000).transform(bad).collect()[0]
    assert row["crop"] == [] and "too large" in row["error"]


def labelled(spark: SparkSession, column: str) -> ViTForImageClassification:
    vit = ViTForImageClassification.pretrained().setInputCols(column).setErrorCol(f"{column}_error")
    return vit.setRawPredictionCol(f"{column}_logits")


def test_the_next_stage_reads_exploded_crops_as_if_they_were_files(
    spark: SparkSession, photos: list[Path]
) -> None:
    boxes = {file: some_boxes(upright(file), 3) for file in photos[:6]}
    frame = table(spark, [(file.name, file.read_bytes(), found) for file, found in boxes.items()])
    pipeline = Pipeline(stages=[cropper().setExplode(True), labelled(spark, "crop")]).fit(frame)
    found = np.array([row["crop_logits"].toArray() for row in pipeline.transform(frame).collect()])

    def png(crop: Image.Image) -> bytes:
        buffer = BytesIO()
        crop.save(buffer, "PNG")
        return buffer.getvalue()

    files = [(png(upright(file).crop(box)),) for file, several in boxes.items() for box in several]
    alone = labelled(spark, "content").transform(spark.createDataFrame(files, "content binary").coalesce(1))
    expected = np.array([row["content_logits"].toArray() for row in alone.collect()])
    print(f"\n{len(expected)} crops: largest difference of a logit {np.abs(found - expected).max():.2g}")
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_stage_refuses_an_array_of_several_crops_and_says_what_to_do(spark: SparkSession, bad: DataFrame) -> None:
    row = labelled(spark, "crop").transform(cropper().transform(bad)).collect()[0]
    assert row["crop_logits"] is None
    assert row["crop_error"] == "the array has 2 pictures, and a stage takes one: explode it first"


def test_between_two_models_no_picture_is_decoded_again_and_nothing_is_shuffled(
    spark: SparkSession, digits: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    frame = table(spark, [(f.name, f.read_bytes(), [(0, 0, 32, 16), (4, 4, 28, 28)]) for f in digits[:9]])
    stages = [labelled(spark, "image"), cropper("image").setExplode(True), labelled(spark, "crop")]
    result = Pipeline(stages=[ImageAssembler(), *stages]).fit(frame).transform(frame)
    capsys.readouterr()
    result.select("path", "image_logits", "crop_logits").repartition(1).explain()
    assert capsys.readouterr().out.count("Exchange") == 1  # the one that was asked for
    assert len(result.collect()) == 18
    totals = {row["stage"]: row for row in sparkvision.metrics(spark).collect()}
    assert [totals[stage.uid]["decoded"] for stage in stages] == [9, 0, 0]
    assert [totals[stage.uid]["pictures"] for stage in stages] == [9, 9, 18]


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
