"""What docs/from-spark-nlp.md promises to users of Spark NLP."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from tests.conftest import EMBEDDED_BUNDLE, FIXTURES, ROOT

from sparkvision.errors import BundleError
from sparkvision.ml import ImageAssembler, ViTForImageClassification

PAGE = (ROOT / "docs" / "from-spark-nlp.md").read_text()


@pytest.fixture
def spark_nlp_folder(tmp_path: Path) -> Path:
    """A model as Spark NLP's users have it: without our manifest."""
    folder = tmp_path / "model"
    shutil.copytree(EMBEDDED_BUNDLE / "assets", folder / "assets")
    shutil.copy(EMBEDDED_BUNDLE / "model.onnx", folder)
    return folder


def test_a_spark_nlp_script_runs_with_four_lines_changed(
    spark: SparkSession, spark_nlp_folder: Path, digits: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (script,) = re.findall(r"^```python\n(import sparknlp\n.*?)^```$", PAGE, re.M | re.S)
    changed = re.findall(r"^\| `(.*sparknlp.*)` \| `(.*sparkvision.*)` \|$", PAGE, re.M)
    assert len(changed) == 4
    for theirs, ours in changed:
        script = script.replace(f"{theirs}\n", f"{ours}\n")
    assert "sparknlp" not in script
    images = tmp_path / "images"
    images.mkdir()
    for name, digit in {"one.png": digits[0], "two.png": digits[-1]}.items():
        shutil.copy(digit, images / name)
    for placeholder, path in {
        "photos/": f"{images}/",
        "my-vit/": spark_nlp_folder,
        "my-pipeline": tmp_path / "p",
    }.items():
        script = script.replace(f'"{placeholder}', f'"{path}')

    names: dict[str, Any] = {}
    exec(compile(script, "from-spark-nlp.md", "exec"), names)

    truth = {"one.png": digits[0].parent.name, "two.png": digits[-1].parent.name}
    assert {row["image_name"]: row["result"] for row in names["labels"].collect()} == {n: [t] for n, t in truth.items()}
    assert capsys.readouterr().out.split()[-2:] == list(truth.values())
    assert names["again"].count() == 2


def test_sparks_image_reader_ignores_how_exif_turns_a_photo(spark: SparkSession) -> None:
    photo = str(FIXTURES / "photos" / "exif_portrait_orientation_6.jpg")
    by_spark = spark.read.format("image").load(photo).select("image.height", "image.width").first()
    bytes_ = ImageAssembler().setDecode(True).transform(spark.read.format("binaryFile").load(photo))
    ours = bytes_.selectExpr("image[0].height", "image[0].width").first()
    assert by_spark is not None and ours is not None
    assert tuple(by_spark) == tuple(ours)[::-1] != tuple(ours)


def test_a_stage_that_spark_nlp_saved_is_refused_with_the_way_out(spark: SparkSession, tmp_path: Path) -> None:
    for file in ("metadata/part-00000", "fields/labels/part-00000", "image_classification_onnx"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"")
    with pytest.raises(BundleError, match="`sparkvision export CHECKPOINT FOLDER` makes one"):
        ViTForImageClassification.loadSavedModel(str(tmp_path), spark)
