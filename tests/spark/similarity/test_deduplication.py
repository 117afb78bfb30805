"""Perceptual hashes of real images, and the groups that copies of them form."""

from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path
from typing import Literal

import imagehash
import pytest
from PIL import Image
from pyspark.sql import DataFrame, SparkSession
from tests.conftest import FIXTURES
from tests.fixtures.make_references import decode

import sparkvision
from sparkvision.errors import ParameterError
from sparkvision.ml import ImageDeduplicator, PerceptualHash, ViTForImageClassification


def table_of(spark: SparkSession, images: dict[str, bytes]) -> DataFrame:
    rows = [(name, bytearray(data), len(data)) for name, data in images.items()]
    return spark.createDataFrame(rows, "path string, content binary, length int").repartition(2)


def encoded(image: Image.Image, file_format: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def copies(image: Image.Image) -> dict[str, bytes]:
    """Transform an image as shops and phones do."""
    half = image.resize((image.width // 2, image.height // 2))
    return {
        "png": encoded(image, "PNG"),
        "jpeg": encoded(image, "JPEG", quality=40),
        "webp": encoded(half, "WEBP", quality=70),
        "half": encoded(half, "JPEG", quality=85),
    }


@pytest.mark.parametrize("algorithm", ["phash", "dhash"])
def test_the_hash_of_every_photo_is_the_one_of_imagehash(
    algorithm: Literal["phash", "dhash"], spark: SparkSession, photos: list[Path]
) -> None:
    table = table_of(spark, {file.name: file.read_bytes() for file in photos})
    hashed = PerceptualHash().setInputCols("content").setAlgorithm(algorithm).transform(table)
    found = {r["path"]: r["hex"] for r in hashed.selectExpr("path", "lower(lpad(hex(hash), 16, '0')) hex").collect()}
    expected = {file.name: str(getattr(imagehash, algorithm)(decode(file))) for file in photos}
    assert found == expected
    print(f"\n{algorithm}: {len(found)} photos, all bits equal")


def test_photos_that_a_model_has_decoded_are_hashed_to_imagehashs_bits_without_being_decoded_again(
    spark: SparkSession, vit: ViTForImageClassification, photos: list[Path]
) -> None:
    stage = PerceptualHash().setInputCols("content")
    hashed = stage.transform(vit.transform(table_of(spark, {file.name: file.read_bytes() for file in photos})))
    # With the model's column: Spark leaves out a model that nobody reads.
    rows = hashed.selectExpr("path", "class", "lower(lpad(hex(hash), 16, '0')) hex").collect()
    assert {row["path"]: row["hex"] for row in rows} == {f.name: str(imagehash.phash(decode(f))) for f in photos}
    assert {r["decoded"] for r in sparkvision.metrics(spark).where(f"stage = '{stage.uid}'").collect()} == {0}


def test_an_image_without_a_hash_keeps_its_row_and_its_reason(spark: SparkSession, mixed: DataFrame) -> None:
    stage = PerceptualHash().setInputCols("content").setErrorCol("error")
    rows = stage.transform(mixed).collect()
    assert [row["path"] for row in rows] == [row["path"] for row in mixed.collect()]
    reasons = {row["path"]: row["error"] for row in rows if row["hash"] is None}
    assert "truncated PNG" in reasons["broken.png"] and "null" in reasons["nothing.png"] and len(reasons) == 2
    assert stage.setBadImageMode("DROPMALFORMED").transform(mixed).count() == 4
    with pytest.raises(Exception, match=r"broken.png cannot be used"):
        stage.setBadImageMode("FAILFAST").transform(mixed).collect()


def test_a_stream_is_hashed_and_its_table_grouped_but_not_the_stream(spark: SparkSession, tmp_path: Path) -> None:
    schema = "path string, modificationTime timestamp, length long, content binary"
    reader = spark.readStream.format("binaryFile").schema(schema).option("pathGlobFilter", "03*.png")
    stream = reader.load(str(FIXTURES / "digits" / "0"))
    hashed = PerceptualHash().setInputCols("content").transform(stream).select("path", "hash")
    deduplicator = ImageDeduplicator().setIdCol("path").setHashCol("hash")
    with pytest.raises(ParameterError, match="cannot group a streaming DataFrame.*foreachBatch"):
        deduplicator.transform(hashed)
    writer = hashed.writeStream.format("parquet").option("checkpointLocation", str(tmp_path / "checkpoint"))
    assert writer.trigger(availableNow=True).start(str(tmp_path / "hashes")).awaitTermination(60)
    assert deduplicator.transform(spark.read.parquet(str(tmp_path / "hashes"))).count() == 5


def test_copies_of_photos_are_grouped_with_their_original_and_with_no_other(
    spark: SparkSession, photos: list[Path], tmp_path: Path
) -> None:
    # Those that are different images: the others are the same ones in other files.
    originals = [file for file in photos if not file.name.startswith(("exif", "jpeg", "tiff"))]
    images = {f"{file.stem}/{kind}": data for file in originals for kind, data in copies(decode(file)).items()}
    hashed = PerceptualHash().setInputCols("content").transform(table_of(spark, images)).drop("content").cache()
    ImageDeduplicator().setIdCol("path").setHashCol("hash").setOrderCol("length").save(str(tmp_path / "saved"))
    grouped = ImageDeduplicator.load(str(tmp_path / "saved")).transform(hashed).collect()
    groups = defaultdict(set)
    for row in grouped:
        groups[row["group"]].add(row["path"])
        assert row["representative"] == (row["path"] == row["group"]) == row["path"].endswith("/png")
    assert {frozenset(group) for group in groups.values()} == {
        frozenset(name for name in images if name.startswith(f"{file.stem}/")) for file in originals
    }
    print(f"\n{len(images)} images, {len(groups)} groups")
    hashed.unpersist()
