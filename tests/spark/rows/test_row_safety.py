"""One row out for one row in: every image keeps its own result, or its own reason, whatever lies beside it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyspark.ml import Pipeline
from pyspark.sql import DataFrame, Row, SparkSession
from tests.conftest import FIXTURES, SHARED_IMAGES
from tests.spark.stages.test_parity import EMBEDDED, EMBEDDED_CHECKPOINT, compare, pipeline_logits, torch_logits

from sparkvision.errors import ImageError
from sparkvision.local import LocalModel
from sparkvision.ml import ImageAssembler, ViTForImageClassification

# A result, or the reason why there is none.
Outcome = np.ndarray | str

CORRUPT_FOLDERS = [
    pytest.param(FIXTURES / "corrupt", id="committed"),
    pytest.param(
        SHARED_IMAGES / "corrupt",
        id="shared",
        marks=pytest.mark.skipif(not SHARED_IMAGES.exists(), reason="needs ../shared"),
    ),
]


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    with LocalModel(EMBEDDED) as local:
        yield local


def alone(model: LocalModel, image: bytes | Path) -> Outcome:
    """What an image gives with none beside it."""
    try:
        return np.asarray(model.logits([image])[0])
    except ImageError as error:
        return error.reason


def pillow_refuses(file: Path) -> bool:
    try:
        with Image.open(file) as image:
            image.convert("RGB")
    except Exception:  # Pillow refuses in many ways
        return True
    return False


def outcome(row: Row) -> Outcome:
    assert (row["logits"] is None) == (row["error"] is not None)
    found: Outcome = row["error"] if row["logits"] is None else row["logits"].toArray()
    return found


def assert_same(found: Outcome, expected: Outcome, name: str) -> None:
    if isinstance(expected, str):
        assert found == expected, name
    else:
        # In another batch the last digits of a logit may differ.
        np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=name)  # type: ignore[arg-type]


def stage(column: str = "content") -> ViTForImageClassification:
    vit = ViTForImageClassification.pretrained().setInputCols([column])
    return vit.setRawPredictionCol("logits").setErrorCol("error")


def pipeline(kind: str) -> Pipeline:
    if kind in ("content", "path"):
        return Pipeline(stages=[stage(kind)])
    return Pipeline(stages=[ImageAssembler().setDecode(kind == "decoded"), stage("image")])


@pytest.fixture(params=CORRUPT_FOLDERS)
def mixture(request: pytest.FixtureRequest, digits: list[Path]) -> list[Path]:
    """All corrupt files of a folder at random places among good images."""
    corrupt = sorted(request.param.iterdir())
    files = digits[::6] + corrupt
    random.Random(20).shuffle(files)
    print(f"\n{len(corrupt)} corrupt files among {len(files) - len(corrupt)} good images")
    return files


@pytest.mark.parametrize("kind", ["content", "path", "assembled", "decoded"])
def test_every_good_image_keeps_its_prediction_and_every_bad_one_its_reason(
    kind: str, mixture: list[Path], spark: SparkSession, model: LocalModel
) -> None:
    rows = [(index, str(file), bytearray(file.read_bytes())) for index, file in enumerate(mixture)]
    table = spark.createDataFrame(rows, "id int, path string, content binary").repartition(3)
    result = pipeline(kind).fit(table).transform(table).orderBy("id").collect()
    assert [row["path"] for row in result] == [str(file) for file in mixture]
    refused = 0
    for file, row in zip(mixture, result, strict=True):
        assert_same(outcome(row), alone(model, file), file.name)
        if pillow_refuses(file):
            refused += 1
            assert row["error"], file.name
    good = [(row, file) for row, file in zip(result, mixture, strict=True) if file.parent.name.isdigit()]
    right = sum(row["logits"].argmax() == int(file.parent.name) for row, file in good)
    print(f"{refused} refused; {right} of {len(good)} digits labelled right")
    assert right >= 0.95 * len(good)


def test_dropmalformed_leaves_the_good_images_with_their_predictions(
    mixture: list[Path], spark: SparkSession, model: LocalModel
) -> None:
    rows = [(index, bytearray(file.read_bytes())) for index, file in enumerate(mixture)]
    table = spark.createDataFrame(rows, "id int, content binary").repartition(2)
    result = {row["id"]: row for row in stage().setBadImageMode("DROPMALFORMED").transform(table).collect()}
    expected = {index: found for index, file in enumerate(mixture) if not isinstance(found := alone(model, file), str)}
    assert result.keys() == expected.keys()
    for index, row in result.items():
        assert_same(outcome(row), expected[index], mixture[index].name)


def test_failfast_names_the_origin_and_the_reason(spark: SparkSession, digits: list[Path]) -> None:
    good = bytearray(digits[0].read_bytes())
    rows = [("first.png", "A-1", good), ("second.png", "B-2", good[:60])]
    table = spark.createDataFrame(rows, "path string, ticket string, content binary")
    vit = stage().setBadImageMode("FAILFAST")
    with pytest.raises(Exception, match="The image second.png cannot be used: .*badImageMode"):
        vit.transform(table).collect()
    with pytest.raises(Exception, match="The image B-2 cannot be used"):
        vit.setOriginCol("ticket").transform(table).collect()


NO_BYTES = "empty|no bytes|0 bytes"
NOTHING: dict[str, tuple[str, list[object], str]] = {
    "null bytes": ("binary", [None], "null"),
    "no bytes": ("binary", [bytearray()], NO_BYTES),
    "text": ("binary", [bytearray(b"hello, world")], "format"),
    "null path": ("string", [None], "null"),
    "missing file": ("string", ["/no/such/file.png"], "/no/such/file.png"),
    "a folder": ("string", ["/"], "cannot be read"),
    "null struct": ("struct<path: string, content: binary>", [None], "null"),
    "struct of nulls": ("struct<path: string, content: binary>", [(None, None)], "null"),
    "struct with no bytes": (
        "struct<path: string, content: binary>",
        [("a.png", bytearray())],
        NO_BYTES,
    ),
}


@pytest.mark.parametrize("what", NOTHING)
def test_a_row_without_an_image_keeps_its_place_and_says_so(what: str, spark: SparkSession, digits: list[Path]) -> None:
    column_type, (value,), reason = NOTHING[what]
    good: object = bytearray(digits[0].read_bytes())
    if column_type == "string":
        good = str(digits[0])
    elif column_type.startswith("struct"):
        good = (str(digits[0]), good)
    table = spark.createDataFrame([(0, good), (1, value), (2, good)], f"id int, content {column_type}").coalesce(1)
    before, bad, after = stage().transform(table).collect()
    assert before["error"] is None and before["logits"] == after["logits"]
    assert bad["logits"] is None
    assert re.search(reason, bad["error"]), bad["error"]


def test_images_of_one_pixel_and_of_8k_are_labelled_as_transformers_does(spark: SparkSession, tmp_path: Path) -> None:
    ramp = np.add.outer(np.arange(4320), np.arange(7680))
    pixels = np.stack([ramp % 251, (ramp // 30) % 256, ramp * 0 + 40], axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "8k.jpg", quality=90)
    Image.new("RGB", (1, 1), (200, 30, 90)).save(tmp_path / "one.png")
    images = [tmp_path / "one.png", tmp_path / "8k.jpg"]
    logits = pipeline_logits(spark, EMBEDDED, images)
    compare("1x1 and 7680x4320", logits, torch_logits(EMBEDDED_CHECKPOINT, images))


def test_max_image_pixels_is_held_against_the_header_before_anything_is_decoded(
    spark: SparkSession, tmp_path: Path, mixed: DataFrame
) -> None:
    Image.new("RGB", (2000, 1000)).save(tmp_path / "large.png")
    # Cut off: who tried to decode it would find it corrupt.
    cut = bytearray((tmp_path / "large.png").read_bytes()[:200])
    table = mixed.where("path not in ('broken.png', 'nothing.png')").union(
        spark.createDataFrame([("large.png", cut)], "path string, content binary")
    )
    reasons = {row["path"]: row["error"] for row in stage().setMaxImagePixels(1999999).transform(table).collect()}
    large = reasons.pop("large.png")
    assert "2000 x 1000" in large and "maxImagePixels" in large
    assert set(reasons.values()) == {None}
    assert "corrupt PNG" in stage().setMaxImagePixels(2000000).transform(table).collect()[-1]["error"]
