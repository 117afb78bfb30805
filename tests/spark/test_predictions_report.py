"""Reports and notebook galleries of what stages and SQL functions give."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import sparkvision
from sparkvision.errors import ParameterError
from sparkvision.ml import ImageAssembler, ViTForImageClassification
from sparkvision.report import write_report
from sparkvision.report.collection import Wanted, from_frame
from sparkvision.report.columns import ReportColumns


@pytest.fixture(scope="module")
def files(spark: SparkSession, digits: list[Path], tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """Fifty digits in folders named by their labels, two of them damaged, as a table of files."""
    folder = tmp_path_factory.mktemp("digits")
    for place, file in enumerate(digits[::7][:50]):
        copy = folder / file.parent.name / file.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes()[: 40 if place in (7, 30) else None])
    return spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(str(folder))


@pytest.fixture
def predictions(vit: ViTForImageClassification, files: DataFrame) -> DataFrame:
    return vit.setErrorCol("error").setTopK(3).transform(files)


def data(page: Path) -> Any:
    """Read what the page's script reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.S)
    assert found is not None
    return json.loads(found[1])


def test_a_page_has_every_image_with_labels_errors_truth_and_thumbnail(predictions: DataFrame, tmp_path: Path) -> None:
    report = data(write_report(predictions, tmp_path / "report.html", folders_are_labels=True))
    rows = {row["path"]: row for row in predictions.collect()}
    assert report["total"] == len(rows) == 50 and {p["path"] for p in report["images"]} == set(rows)
    for image in report["images"]:
        row = rows[image["path"]]
        best = [[a["result"], float(a["metadata"][a["result"]])] for a in row["class"]]
        assert image["scores"] == best and image.get("error") == row["error"]
        assert image["truth"] == image["path"].split("/")[-2]
        assert ("thumbnail" in image) == (row["error"] is None)
    right = sum(p["scores"][0][0] == p["truth"] for p in report["images"] if p["scores"])
    assert (report["summary"]["right"], report["summary"]["judged"]) == (right, 48)
    assert report["summary"]["failed"] == 2


def test_times_of_the_stage_are_told(vit: ViTForImageClassification, predictions: DataFrame, tmp_path: Path) -> None:
    (row,) = [r for r in data(write_report(predictions, tmp_path / "r.html"))["timings"] if r["stage"] == vit.uid]
    assert row["images"] == 50 and row["run_seconds"] > 0


def test_a_sample_is_shown_where_there_are_too_many_and_all_are_counted(predictions: DataFrame, tmp_path: Path) -> None:
    every = data(write_report(predictions, tmp_path / "all.html", folders_are_labels=True))
    some = data(write_report(predictions, tmp_path / "some.html", folders_are_labels=True, max_images=20))
    assert 3 <= len(some["images"]) <= 20 and some["choice"] == "a random sample"
    assert some["total"] == 50 and some["summary"] == every["summary"]
    # Both damaged files are cut off; the texts tell where, and one of them is shown.
    assert some["examples"] == every["examples"] and len(every["examples"]) == len(every["summary"]["reasons"])
    errors = [p["error"] for p in every["images"] if "error" in p]
    assert set(every["examples"].values()) <= set(errors) and any(re.search("[0-9]", error) for error in errors)
    assert [p for p in every["images"] if p in some["images"]] == some["images"]


def test_a_sample_runs_the_model_on_no_other_image(spark: SparkSession, predictions: DataFrame) -> None:
    def images() -> int:
        seen = sparkvision.metrics(spark).where("stage LIKE 'ViTForImageClassification%'")
        return int(seen.agg(F.sum("images")).collect()[0][0] or 0)

    before = images()
    found = from_frame(predictions, ReportColumns.of(predictions), Wanted(20, thumbnails=False))
    # Some more than are kept: the names' hashes choose about 20.
    assert 50 + len(found.images) <= images() - before <= 50 + 40


def test_the_sql_functions_struct_is_reported(spark: SparkSession, files: DataFrame, tmp_path: Path) -> None:
    sparkvision.register_function(spark, "classify", "embedded:digits", top_k=2)
    report = data(write_report(files.select("*", F.expr("classify(content) AS found")), tmp_path / "report.html"))
    assert Counter(len(p["scores"]) for p in report["images"]) == {2: 48, 0: 2}
    assert sum("error" in p for p in report["images"]) == 2


def test_spark_mls_columns_are_reported(vit: ViTForImageClassification, files: DataFrame, tmp_path: Path) -> None:
    table = vit.setPredictionCol("prediction").setProbabilityCol("probability").transform(files)
    report = data(write_report(table, tmp_path / "report.html", column="prediction"))
    expected = {r["path"]: r for r in table.collect()}
    for image in report["images"]:
        row = expected[image["path"]]
        best = [] if row["prediction"] is None else [[str(int(row["prediction"])), max(row["probability"])]]
        assert image["scores"] == best


def test_a_thumbnail_is_the_image_made_small(photos: list[Path], spark: SparkSession, tmp_path: Path) -> None:
    table = spark.createDataFrame([(str(file),) for file in photos], "path string")
    found = from_frame(table, ReportColumns.of(table), Wanted(100))
    assert [image.path for image in found.images] == [str(file) for file in photos]
    for image, file in zip(found.images, photos, strict=True):
        assert image.content is not None
        small = Image.open(io.BytesIO(image.content))
        with Image.open(file) as original:
            # An EXIF orientation may have swapped the sides.
            assert max(small.size) == min(128, max(original.size)) and small.format == "JPEG"


@pytest.mark.parametrize("kind", ["image annotations", "binaryFile structs"])
def test_thumbnails_are_made_of_every_kind_of_image_column(kind: str, mixed: DataFrame) -> None:
    if kind == "image annotations":
        table = ImageAssembler().setDecode(True).transform(mixed).drop("content")
    else:
        table = mixed.select("path", F.struct("path", "content").alias("file"))
    found = from_frame(table, ReportColumns.of(table), Wanted(100))
    assert [image.content is not None for image in found.images] == [True, True, False, True, True, False]


def test_columns_that_cannot_be_meant_are_refused(predictions: DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    twice = predictions.withColumn("other", F.col("class"))
    with pytest.raises(ParameterError, match=r"several columns of predictions \(class, other\)"):
        write_report(twice, file)
    with pytest.raises(ParameterError, match="truth='label': there is no such column; there are path, "):
        write_report(predictions, file, truth="label")
    with pytest.raises(ParameterError, match="'path' has type string; predictions are"):
        write_report(predictions, file, column="path")
    with pytest.raises(ParameterError, match="'length' does not name its classes"):
        write_report(predictions, file, column="length")
    with pytest.raises(ParameterError, match="max_images=0: give at least 1"):
        write_report(predictions, file, max_images=0)
    assert not file.exists()


def test_display_shows_the_first_images_in_a_notebook(predictions: DataFrame) -> None:
    bad_first = predictions.orderBy(F.col("error").isNull(), "path")
    shown = sparkvision.display(bad_first, max_images=9)
    html = shown._repr_html_()
    assert html.count("data:image/jpeg;base64,") == 7 and "<script" not in html
    rows = bad_first.limit(9).collect()
    for row, line in zip(rows, repr(shown).splitlines(), strict=True):
        assert line.startswith(f"{row['path']}: {row['error'] or row['class'][0]['result'] + ' 0.'}")


def test_display_escapes_what_it_shows(spark: SparkSession) -> None:
    table = spark.createDataFrame([("<b>.png", "<i>why</i>")], "path string, error string")
    html = sparkvision.display(table)._repr_html_()
    assert "<b>.png" not in html and "&lt;b&gt;.png" in html and "<i>" not in html


def test_sql_refuses_a_thumbnail_of_what_is_no_image(spark: SparkSession, files: DataFrame) -> None:
    with pytest.raises(Exception, match="type bigint, which cannot hold images"):
        files.select(F.call_function("sparkvision_thumbnail", "length")).collect()
    with pytest.raises(Exception, match="side is 0; it must be at least 1"):
        files.select(F.call_function("sparkvision_thumbnail", "content", F.lit(0))).collect()
