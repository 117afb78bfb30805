"""What the commands refuse at once, without a JVM: wrong places, settings, masters, and a machine without Java."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import EMBEDDED_BUNDLE

from sparkvision.cli import main
from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.errors import ParameterError
from sparkvision.report import LabelledImage, write_report


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, digits: list[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an image, an empty folder and a file, on a machine that no cluster's settings concern."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    shutil.copy(digits[0], tmp_path / "photos")
    (tmp_path / "afile").write_text("text")
    for name in (
        "SPARKVISION_HOME",
        "HADOOP_CONF_DIR",
        "YARN_CONF_DIR",
        "SPARK_CONF_DIR",
        "SPARK_HOME",
        "MASTER",
        "PYSPARK_SUBMIT_ARGS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object) -> None:
        pytest.fail("Spark must not be started")

    monkeypatch.setattr("sparkvision.cli.spark.session._start", started)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that is refused with exit code 1, and give its one line on stderr."""
    capsys.readouterr()
    assert main(arguments) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: ")]
    assert len(told) == 1 and told[0].startswith("sparkvision: ") and "Exception" not in told[0]
    return told[0]


@pytest.mark.parametrize("place", ["afile/x", "/proc/x/y"])
@pytest.mark.parametrize("option", ["--out", "--report"])
def test_a_result_that_cannot_be_written(place: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"--out": "out.csv", "--report": "report.html"}
    given[option] = place + Path(given[option]).suffix
    told = refusal(capsys, "classify", "photos", *[text for pair in given.items() for text in pair])
    assert f"{given[option]} cannot be written (" in told and "give a place in a folder that you may write to" in told


def test_a_folder_as_result_of_embed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.parquet").mkdir()
    told = refusal(capsys, "embed", "photos", "--model", "m", "--out", "out.parquet")
    assert "--out out.parquet is a folder; give the name of a file" in told


@pytest.mark.parametrize("command", ["classify", "bench"])
@pytest.mark.parametrize(
    ("folder", "told"),
    [("nowhere", "nowhere: there is no such folder or file"), ("empty", "empty holds no files; give a folder of im")],
)
def test_a_folder_without_files(command: str, folder: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refusal(capsys, command, folder, *(["--out", "out.csv"] if command == "classify" else []))
    assert not Path("out.csv").exists()


@pytest.mark.parametrize("command", ["classify", "bench"])
@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("./nowhere", "there is no such folder"),
        ("nowhere", "no model of this name: the embedded ones are digits"),
        ("afile", "afile is a file"),
        ("detector/", "for object-detection"),
    ],
)
def test_a_model_that_is_no_bundle_for_it(
    command: str, model: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((EMBEDDED_BUNDLE / "sparkvision.json").read_text()) | {"task": "object-detection"}
    Path("detector").mkdir()
    Path("detector", "sparkvision.json").write_text(json.dumps(manifest))
    out = ["--out", "out.csv"] if command == "classify" else []
    assert told in refusal(capsys, command, "photos", "--model", model, *out)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["--master", "locl[2]"], "locl[2] is not a master URL; give local[*], "),
        (["--conf", "spark.master=local[0]"], "local[0] is not a master URL"),
        (
            ["--master", "local[2]", "--conf", "spark.master=yarn"],
            "spark.master is given twice, as local[2] and as yarn",
        ),
        (["--conf", "spark.a=1", "--conf", "spark.a=2"], "spark.a is given twice, as 1 and as 2"),
        (["--conf", "spark.driver.memory=lots"], "spark.driver.memory=lots: that is not a size of memory"),
        (["--conf", "spark.driver.memory=4gb"], "spark.driver.memory=4gb: that is not a size of memory"),
        (["--conf", "spark.executor.memory=lots"], "spark.executor.memory=lots: that is not a size of memory"),
    ],
)
def test_a_wrong_master_or_setting(settings: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refusal(capsys, "classify", "photos", "--out", "out.csv", *settings)


@pytest.mark.parametrize(
    "master", ["local", "local[*]", "local[04 , 2]", "yarn", "k8s://https://host:443", "my-own.m+x://h"]
)
def test_a_setting_replaces_the_master_that_a_command_has_by_itself(master: str) -> None:
    assert SparkSettings.of(None, [f"spark.master={master}"], default="local[1]").master == master


@pytest.mark.parametrize("option", ["--master", "--conf"])
def test_a_master_that_does_not_answer(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:  # bound, so that no other takes it, and without a listener
        free.bind(("127.0.0.1", 0))
        master = f"spark://127.0.0.1:{free.getsockname()[1]}"
        given = master if option == "--master" else f"spark.master={master}"
        told = refusal(capsys, "classify", "photos", "--out", "out.csv", option, given)
    assert f"{master} does not answer" in told and "check the host, the port and the firewall" in told


@pytest.mark.parametrize("version", [None, "11.0.2"])
def test_a_java_that_is_missing_or_too_old(
    version: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "java"
    if version is not None:
        (home / "bin").mkdir(parents=True)
        (home / "bin" / "java").write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        (home / "bin" / "java").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(home))
    told = refusal(capsys, "classify", "photos", "--out", "out.csv")
    assert (version or f"{home}/bin/java cannot be run") in told and "install Java 17 or newer" in told


@pytest.mark.parametrize("command", ["inspect", "push", "similar", "embed", "verify"])
def test_a_model_that_is_nowhere(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = {
        "inspect": ["nowhere"],
        "push": ["nowhere", "home"],
        "similar": ["photos/" + next(Path("photos").iterdir()).name, "photos", "--model", "nowhere"],
        "embed": ["photos", "--model", "nowhere", "--out", "out.parquet"],
        "verify": ["nowhere", "--source", "checkpoint", "--images", "photos"],
    }
    assert main([command, *options[command]]) == (2 if command == "verify" else 1)
    assert "nowhere: there is no such folder, and no model of this name" in capsys.readouterr().err


def test_similar_looks_for_its_files_before_it_opens_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert "cat.jpg: there is no such file" in refusal(capsys, "similar", "cat.jpg", "photos", "--model", "m/")
    assert "nowhere: there is no such folder" in refusal(capsys, "similar", "afile", "nowhere", "--model", "m/")


def test_a_report_of_verify_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["verify", "m/", "--source", "checkpoint", "--images", "photos", "--report", "/proc/x/report"]
    assert main(arguments) == 2
    assert "/proc/x/report cannot be written (" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_refused_before_its_rows_are_made() -> None:
    def rows() -> Iterator[LabelledImage]:
        pytest.fail("no row may be made")
        yield LabelledImage("x")

    for place in ("afile/report.html", "/proc/x/report.html"):
        with pytest.raises(ParameterError, match=f"{place} cannot be written"):
            write_report(rows(), place)


def test_a_page_for_a_pipe_is_written_into_the_pipe() -> None:
    code = "from sparkvision.report.page_file import write_whole; from pathlib import Path; "
    code += "write_whole(Path('/dev/stdout'), 'page')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "page"
