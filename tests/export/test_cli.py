"""The command line: exit codes, one-line errors, and what `inspect` shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.conftest import EMBEDDED_BUNDLE, FIXTURES
from typer.testing import CliRunner

from sparkvision import __version__
from sparkvision._spark.jars import jars
from sparkvision.bundle import Bundle
from sparkvision.cli import app, main
from sparkvision.export import ExportReport


def test_export_writes_a_bundle_and_exits_with_0(
    checkpoint: Path, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(checkpoint), str(tmp_path / "out"), "--images", str(digits)]) == 0
    captured = capsys.readouterr()
    assert "[5/5]" in captured.out and "largest difference" in captured.out
    assert captured.err == ""
    assert (tmp_path / "out" / "sparkvision.json").is_file()


def test_inspect_shows_what_is_inside(exported: ExportReport, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(exported.bundle.folder)]) == 0
    shown = capsys.readouterr().out
    for fact in (
        "ViTForImageClassification",
        "image-classification",
        "pixel_values float32 [batch_size, 3, 32, 32]",
        "logits float32 [batch_size, 7]",
        'size={"height": 32, "width": 32}',
        "7: class 0000, class 0001",
        "fp32",
        exported.bundle.model_hash(),
        "transformers",
        "verified: all 5",
    ):
        assert fact in shown


def test_inspect_shows_the_embedded_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "embedded:digits"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"bundle +embedded:digits\n", shown) and "verified: all 5" in shown
    assert Bundle.read(EMBEDDED_BUNDLE).model_hash() in shown


@pytest.mark.parametrize("command", ["inspect", "verify"])
def test_an_embedded_model_that_is_not_there_is_refused_with_those_that_are(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"verify": ["--source", "x", "--images", str(FIXTURES / "photos"), "--report", str(tmp_path / "r")]}
    assert main([command, "embedded:letters", *more.get(command, [])]) != 0
    told = capsys.readouterr().err
    assert "There is no embedded model 'embedded:letters'; this installation holds embedded:digits." in told


def test_inspect_finds_a_flipped_byte(bundle_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = bundle_copy / "assets" / "labels.json"
    labels.write_text(labels.read_text().replace("0000", "0001"))
    assert main(["inspect", str(bundle_copy)]) == 1
    captured = capsys.readouterr()
    assert "NOT as the manifest says" in captured.out
    assert "labels.json is damaged" in captured.err


def test_inspect_refuses_a_path_that_leaves_the_folder(bundle_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = bundle_copy / "sparkvision.json"
    value = json.loads(path.read_text())
    value["files"]["../../secret"] = {"sha256": "0" * 64, "size": 1}
    path.write_text(json.dumps(value))
    assert main(["inspect", str(bundle_copy)]) == 1
    assert "'../../secret'" in capsys.readouterr().err


def test_an_error_is_one_line_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(tmp_path / "nowhere")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("sparkvision: ") and captured.err.count("\n") == 1


@pytest.mark.parametrize("command", ["", *sorted(str(command.name) for command in app.registered_commands)])
def test_every_help_shows_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [*filter(None, [command]), "--help"])
    assert result.exit_code == 0
    assert re.search(rf"example:\s.*sparkvision {command}", result.stdout, re.DOTALL)


def test_version_is_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sparkvision {__version__}\n"


def test_a_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export"]) == 2
    assert "SOURCE" in capsys.readouterr().err


def test_jars_prints_what_spark_submit_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jars"]) == 0
    captured = capsys.readouterr()
    paths = [Path(path) for path in captured.out.strip().split(",")]
    assert paths == jars() and all(path.is_file() for path in paths)
    assert captured.err == ""


def test_jars_for_a_gpu_names_the_runtimes_coordinate_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jars", "--gpu"]) == 0
    captured = capsys.readouterr()
    assert [Path(path) for path in captured.out.strip().split(",")] == jars(gpu="cuda12")
    assert "--packages com.microsoft.onnxruntime:onnxruntime_gpu:1.28.0" in captured.err


def test_jars_of_an_installation_without_any_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sparkvision._spark.jars.files", lambda package: tmp_path)
    assert main(["jars"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and "scripts/quickstart" in captured.err
