"""The commands that use Spark: `classify`, `embed`, `similar`, `push` and `models`."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from tests.conftest import EMBEDDED_BUNDLE, FIXTURES
from tests.spark.conftest import NAMESAKES

from sparkvision.bundle import Bundle
from sparkvision.cli import main
from sparkvision.cli.model_option import fetch
from sparkvision.cli.similar import most_similar
from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.errors import ParameterError
from sparkvision.export import ExportReport
from sparkvision.local import LocalModel

pytestmark = pytest.mark.classic_only("the commands start classic sessions")


@pytest.fixture
def folder(tmp_path: Path, digits: list[Path]) -> Path:
    """Ten digits in folders of their labels, a broken image and a text."""
    for file in digits[::36][:10]:
        (tmp_path / "in" / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tmp_path / "in" / file.parent.name)
    (tmp_path / "in" / "broken.png").write_bytes(digits[0].read_bytes()[:60])
    (tmp_path / "in" / "notes.txt").write_text("no image")
    return tmp_path / "in"


@pytest.fixture
def in_this_session(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands use the tests' session; one test below starts the process that a user starts."""

    @contextmanager
    def session(settings: SparkSettings) -> Iterator[SparkSession]:
        for key, value in settings.config.items():
            spark.conf.set(key, value)
        yield spark
        for key in settings.config:
            spark.conf.unset(key)

    monkeypatch.setattr("sparkvision.cli.spark.session.spark_session", session)


def test_classify_labels_a_folder_in_a_process_of_its_own(folder: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "out" / "predictions.csv", tmp_path / "report.html"
    command = [sys.executable, "-m", "sparkvision.cli", "classify", str(folder), "--master", "local[2]"]
    run = subprocess.run(
        [*command, "--out", str(out), "--report", str(page)], cwd=tmp_path, capture_output=True, text=True, timeout=200
    )
    assert run.returncode == 0, run.stderr
    rows = list(csv.DictReader(out.open()))
    assert len(rows) == 12 and list(rows[0]) == ["path", "label", "score", "error"]
    labelled = [row for row in rows if not row["error"]]
    assert len(labelled) == 10 and all(0 < float(row["score"]) <= 1 for row in labelled)
    assert sum(row["label"] == Path(row["path"]).parent.name for row in labelled) >= 9
    assert {Path(row["path"]).name for row in rows if row["error"]} == {"broken.png", "notes.txt"}
    assert "12 images in" in run.stdout and "unusable images" in run.stdout
    assert "without --model, images are labelled as handwritten digits" in run.stderr
    assert "handwritten digits, 10 classes" in run.stderr and "handwritten digits, 10 classes" in run.stdout
    assert "labels of embedded:digits" in run.stdout and "embedded:digits (" in page.read_text()
    assert "12/12" in run.stderr and "images/s" in run.stderr and "2 unusable" in run.stderr
    assert "WARN" not in run.stderr
    assert "broken.png" in page.read_text()


@pytest.mark.usefixtures("in_this_session")
def test_classify_writes_more_labels_as_json(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "predictions.json"
    assert main(["classify", str(folder), "--out", str(out), "--top-k", "2", "--mode", "DROPMALFORMED"]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 10
    assert all(row["score"] >= row["score_2"] and row["label"] != row["label_2"] for row in rows)


@pytest.mark.usefixtures("in_this_session")
def test_classify_writes_all_labels_of_a_multi_label_model(folder: Path, tmp_path: Path) -> None:
    bundle, out = tmp_path / "multi-label", tmp_path / "predictions.csv"
    shutil.copytree(EMBEDDED_BUNDLE, bundle)
    manifest = json.loads((bundle / "sparkvision.json").read_text())
    (bundle / "sparkvision.json").write_text(json.dumps(manifest | {"problemType": "multi_label_classification"}))
    arguments = ["--model", str(bundle), "--out", str(out), "--mode", "DROPMALFORMED"]
    assert main(["classify", str(folder), *arguments]) == 0
    rows = list(csv.DictReader(out.open()))
    with LocalModel(bundle) as model:
        expected = model.predict([row["path"].removeprefix("file:") for row in rows])
    most = max(map(len, expected))
    names = ["label", *(f"label_{rank}" for rank in range(2, most + 1))]
    assert [name for name in rows[0] if name.startswith("label")] == names
    for row, labels in zip(rows, expected, strict=True):
        assert [row[name] for name in names if row[name]] == [label.label for label in labels]


@pytest.fixture
def awkward_folder(tmp_path: Path, digits: list[Path]) -> Path:
    """Eleven files whose names or content Spark's binaryFile does not like, in a folder that looks like a pattern."""
    folder = tmp_path / "my photos [1]"
    names = ["_MG_1234.jpg", ".hidden.jpg", "_thumbs/x.jpg", "a b.png", "100%.png", "#7.png", "{x}.png", "größe.png"]
    for name in [*names, "12:30.png"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(digits[0], folder / name)
    (folder / "empty.jpg").touch()
    (folder / "notes.txt").write_text("no image")
    return folder


@pytest.mark.usefixtures("in_this_session")
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_every_file_gets_a_row_whatever_its_name(
    ending: str, awkward_folder: Path, tmp_path: Path, spark: SparkSession
) -> None:
    out, page = tmp_path / f"out.{ending}", tmp_path / "report.html"
    assert main(["classify", str(awkward_folder), "--out", str(out), "--report", str(page)]) == 0
    rows = (
        list(csv.DictReader(out.open()))
        if ending == "csv"
        else [row.asDict() for row in spark.read.parquet(out.as_uri()).collect()]
    )
    expected = {f"file:{file}" for file in awkward_folder.rglob("*") if file.is_file()}
    assert len(rows) == len(expected) == 11 and {row["path"] for row in rows} == expected
    errors = {Path(row["path"]).name: row["error"] for row in rows if row["error"]}
    assert "the file is empty (0 bytes)" in errors.pop("empty.jpg")
    assert "not an image" in errors.pop("notes.txt") and not errors
    assert all(name in page.read_text() for name in ("_MG_1234.jpg", ".hidden.jpg", "_thumbs/x.jpg", "empty.jpg"))


@pytest.mark.usefixtures("in_this_session")
def test_embed_and_bench_see_every_file_too(
    awkward_folder: Path, features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "embeddings.parquet")
    assert main(["embed", str(awkward_folder), "--model", str(features), "--out", out]) == 0
    assert "9 images, 2 unusable" in capsys.readouterr().out
    assert main(["bench", str(awkward_folder)]) == 0
    told = capsys.readouterr()
    assert "11 images" in told.out and "unusable images: 2 of 11" in told.out
    assert "without --model, the speed is that of a small model of handwritten digits" in told.err


@pytest.mark.usefixtures("in_this_session")
@pytest.mark.parametrize("place", ["folder", "out", "model"])
@pytest.mark.parametrize("scheme", ["foo", "s3a"])
def test_an_unknown_scheme_is_told_before_anything_is_read(
    place: str, scheme: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"folder": str(folder), "out": str(tmp_path / "out.csv"), "model": "embedded:digits"}
    given[place] = f"{scheme}://host/x.csv"
    assert main(["classify", given["folder"], "--out", given["out"], "--model", given["model"]]) == 1
    told = capsys.readouterr().err
    assert f"no file system for the scheme '{scheme}'" in told and "model:" not in told and "Exception" not in told


def test_a_wrong_setting_of_spark_sql_is_told_with_its_key_and_value(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sparkvision.cli", "classify", str(folder), "--out", str(tmp_path / "out.csv")]
    settings = ["--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=x"]
    run = subprocess.run([*command, *settings], capture_output=True, text=True, timeout=120)
    told = run.stderr.splitlines()[-1]
    assert run.returncode == 1 and told.startswith("sparkvision: --conf spark.sql.shuffle.partitions=x is refused")


def test_a_java_that_ends_at_once_says_why(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sparkvision.cli", "classify", str(folder), "--out", str(tmp_path / "out.csv")]
    run = subprocess.run(
        [*command, "--conf", "spark.driver.memory=1k"], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert run.returncode == 1 and "Java ended before Spark had started: " in run.stderr and "heap" in run.stderr


@pytest.mark.usefixtures("in_this_session")
def test_classify_writes_the_scores_of_the_labels_where_classes_share_a_name(
    folder: Path, namesakes: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "predictions.csv"
    arguments = ["--model", namesakes, "--out", str(out), "--top-k", "2", "--mode", "DROPMALFORMED"]
    assert main(["classify", str(folder), *arguments]) == 0
    rows = list(csv.DictReader(out.open()))
    with LocalModel(namesakes) as model:
        expected = model.predict([row["path"].removeprefix("file:") for row in rows], top_k=2)
    assert len(rows) == 10 and max(float(row["score"]) for row in rows if row["label"] == "cat") > 0.9
    for row, (best, second) in zip(rows, expected, strict=True):
        assert (row["label"], row["label_2"]) == (best.label, second.label)
        assert [float(row["score"]), float(row["score_2"])] == pytest.approx([best.score, second.score], abs=1e-6)
    # Digits 0 and 2 are both called cat.
    told = capsys.readouterr().out
    seen = {best.id for best, _ in expected}
    assert {0, 2} <= seen and "cat (0)" in told and "cat (2)" in told
    assert all(NAMESAKES[id] in told for id in seen)


@pytest.mark.usefixtures("in_this_session")
def test_classify_refuses_a_format_before_any_work(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", str(folder), "--out", "labels.xlsx"]) == 1
    assert "labels.xlsx: its name must end in one of .parquet, .csv, .json" in capsys.readouterr().err


@pytest.mark.usefixtures("in_this_session")
def test_classify_refuses_a_folder_as_its_file_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out.csv").mkdir()
    # The image folder is missing too, which would be the error if it were checked first.
    assert main(["classify", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out.csv")]) == 1
    assert "out.csv is a folder; give the name of a file" in capsys.readouterr().err


@pytest.mark.usefixtures("in_this_session")
def test_classify_replaces_a_table_of_spark_and_refuses_a_folder_of_something_else(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A URI is written as a folder.
    table, photos = tmp_path / "labels.csv", tmp_path / "photos.csv"
    photos.mkdir()
    (photos / "_MG_1234.jpg").write_bytes(b"mine")
    for _ in range(2):
        assert main(["classify", str(folder), "--out", table.as_uri()]) == 0
    assert len(list(table.glob("part-*.csv"))) >= 1
    assert main(["classify", str(folder), "--out", photos.as_uri()]) == 1
    assert "holds files which Spark did not write: _MG_1234.jpg" in capsys.readouterr().err
    assert (photos / "_MG_1234.jpg").read_bytes() == b"mine"


@pytest.mark.usefixtures("in_this_session")
@pytest.mark.parametrize(("path", "told"), [("nowhere", "there is no such folder"), ("empty", "holds no files")])
def test_classify_refuses_a_folder_without_files(
    path: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["classify", str(tmp_path / path), "--out", str(tmp_path / "out.csv")]) == 1
    assert told in capsys.readouterr().err and not (tmp_path / "out.csv").exists()


@pytest.fixture
def features(tiny_export: Callable[[str, str], ExportReport]) -> Path:
    return tiny_export("ViTForImageClassification", "feature-extraction").bundle.folder


@pytest.mark.usefixtures("in_this_session")
def test_similar_finds_in_embeddings_what_it_finds_in_the_folder(
    features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = FIXTURES / "photos", tmp_path / "embeddings.parquet"
    image = str(photos / "cat_chelsea.png")
    assert main(["embed", str(photos), "--model", str(features), "--out", str(out), "--pooling", "mean"]) == 0
    assert "20 images, 0 unusable" in capsys.readouterr().out
    options = ["--model", str(features), "--pooling", "mean", "--top-k", "3"]
    assert main(["similar", image, str(photos), *options]) == 0
    by_folder = capsys.readouterr().out.splitlines()
    assert main(["similar", image, str(out), *options]) == 0
    by_file = capsys.readouterr().out.splitlines()
    assert by_folder[0] == f"1.0000  {image}" and len(by_folder) == 3
    assert [line.split()[0] for line in by_file] == [line.split()[0] for line in by_folder]
    assert [Path(line.split()[1]).name for line in by_file] == [Path(line.split()[1]).name for line in by_folder]


@pytest.mark.usefixtures("in_this_session")
def test_similar_refuses_embeddings_of_another_pooling(
    features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = FIXTURES / "photos", tmp_path / "embeddings.parquet"
    assert main(["embed", str(photos), "--model", str(features), "--out", str(out)]) == 0
    capsys.readouterr()
    arguments = ["similar", str(photos / "cat_chelsea.png"), str(out), "--model", str(features), "--pooling", "mean"]
    assert main(arguments) == 1
    assert "made with another model than --model, or with another pooling (cls)" in capsys.readouterr().err


@pytest.mark.usefixtures("in_this_session")
def test_similar_refuses_a_folder_without_a_usable_image(
    features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("no image")
    embeddings = str(tmp_path / "embeddings.parquet")
    assert main(["embed", str(tmp_path / "texts"), "--model", str(features), "--out", embeddings]) == 0
    for among in (str(tmp_path / "texts"), embeddings):
        capsys.readouterr()
        assert main(["similar", str(FIXTURES / "photos" / "cat_chelsea.png"), among, "--model", str(features)]) == 1
        assert "holds no usable image to compare with" in capsys.readouterr().err


def test_most_similar_orders_by_cosine() -> None:
    embeddings = np.array([[2, 0], [0, 3], [1, 1], [0, 0], [-1, 0]], np.float32)
    found = most_similar(np.array([5, 0], np.float32), list("abcde"), embeddings, 4)
    assert [name for _, name in found] == ["a", "c", "b", "d"]
    assert [score for score, _ in found] == pytest.approx([1, 0.5**0.5, 0, 0])


@pytest.mark.usefixtures("in_this_session")
def test_a_pushed_bundle_is_listed_and_classifies_by_its_name(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = (tmp_path / "home").as_uri()
    assert main(["push", str(EMBEDDED_BUNDLE), home, "--name", "team/numbers"]) == 0
    place = capsys.readouterr().out.strip()
    assert place.endswith("/home/team/numbers/1")
    assert main(["push", "embedded:digits", home, "--name", "team/numbers"]) == 0
    assert capsys.readouterr().out.strip() == place, "it is the same bundle"
    assert main(["models", "--home", home]) == 0
    listed = capsys.readouterr().out
    assert "digits" in listed and "team/numbers" in listed
    setting = f"spark.sparkvision.modelHome={home}"
    arguments = ["--model", "team/numbers", "--out", str(tmp_path / "out.parquet"), "--conf", setting]
    assert main(["classify", str(folder), *arguments]) == 0
    assert (tmp_path / "out.parquet").is_file()


@pytest.mark.usefixtures("in_this_session")
def test_a_model_is_a_folder_a_uri_or_a_name_in_every_command(
    features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = (tmp_path / "home").as_uri()
    assert main(["push", features.as_uri(), home, "--name", "features"]) == 0
    shutil.copytree(FIXTURES / "photos", tmp_path / "photos")
    image, setting = str(FIXTURES / "photos" / "cat_chelsea.png"), f"spark.sparkvision.modelHome={home}"
    listed = []
    for model in (str(features), features.as_uri(), "features"):
        capsys.readouterr()
        assert main(["similar", image, str(tmp_path / "photos"), "--model", model, "--conf", setting]) == 0
        listed.append(capsys.readouterr().out)
        assert main(["inspect", model, "--conf", setting]) == 0
        assert "feature-extraction" in capsys.readouterr().out
        out = str(tmp_path / "embeddings.parquet")
        assert main(["embed", str(tmp_path / "photos"), "--model", model, "--conf", setting, "--out", out]) == 0
    assert listed[0] == listed[1] == listed[2]


@pytest.mark.usefixtures("in_this_session")
def test_bench_labels_by_a_model_of_the_model_home(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = (tmp_path / "home").as_uri()
    assert main(["push", "digits", home, "--name", "numbers"]) == 0
    arguments = ["--model", "numbers", "--conf", f"spark.sparkvision.modelHome={home}"]
    assert main(["bench", str(folder), *arguments]) == 0
    assert "12 images" in capsys.readouterr().out


@pytest.mark.usefixtures("in_this_session")
def test_a_bundle_of_another_file_system_is_copied_to_this_machine(spark: SparkSession, tmp_path: Path) -> None:
    # Hadoop's viewfs needs no server, and its files have no path on this machine.
    settings = {"spark.hadoop.fs.viewfs.mounttable.lake.link./models": tmp_path.as_uri()}
    shutil.copytree(EMBEDDED_BUNDLE, tmp_path / "digits")
    configuration = spark._jsc.hadoopConfiguration()
    for key, value in settings.items():
        configuration.set(key.removeprefix("spark.hadoop."), value)
    with fetch("viewfs://lake/models/digits", spark) as bundle:
        assert Path(bundle).name == "digits" and not Path(bundle).is_relative_to(tmp_path)
        Bundle.read(bundle).verify_files()
    assert not Path(bundle).exists()
    with pytest.raises(ParameterError, match="viewfs://lake/models/letters: there is no such folder"):
        with fetch("viewfs://lake/models/letters", spark):
            pass


@pytest.mark.usefixtures("in_this_session")
def test_bench_of_files_that_are_no_images_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    assert main(["bench", str(tmp_path)]) == 1
    assert "none of the 1 files is a usable image" in capsys.readouterr().err
