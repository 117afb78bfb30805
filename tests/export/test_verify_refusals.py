"""What `sparkvision verify` cannot compare: told in one line, with exit code 2."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sparkvision.bundle import Bundle, write_manifest
from sparkvision.cli import main
from sparkvision.errors import VerifyError
from sparkvision.export import ExportReport
from sparkvision.verify import verify

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def test_a_checkpoint_of_another_number_of_labels_cannot_be_compared(exported: ExportReport, digits: Path) -> None:
    with pytest.raises(VerifyError, match="has 7 labels, but the checkpoint has 10; give the checkpoint"):
        verify(exported.bundle.folder, FIXTURES / "digits_checkpoint", digits)


def test_a_bundle_of_another_task_is_refused_by_name(bundle_copy: Path, checkpoint: Path, digits: Path) -> None:
    write_manifest(bundle_copy, replace(Bundle.read(bundle_copy).manifest, task="feature-extraction"))
    with pytest.raises(VerifyError, match="is a bundle for feature-extraction; only image-classification"):
        verify(bundle_copy, checkpoint, digits)


@pytest.mark.parametrize("missing", ["BUNDLE", "--source", "--images", "images in --images"])
def test_nothing_to_compare_exits_with_2_and_writes_nothing(
    missing: str, exported: ExportReport, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere, empty = tmp_path / "nowhere", tmp_path / "empty"
    empty.mkdir()
    bundle = nowhere if missing == "BUNDLE" else exported.bundle.folder
    source = empty if missing == "--source" else checkpoint
    images = {"--images": nowhere, "images in --images": empty}.get(missing, FIXTURES / "photos")
    arguments = [bundle, "--source", source, "--images", images, "--report", tmp_path / "report"]
    assert main(["verify", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("sparkvision: ") and captured.err.count("\n") == 1
    assert str({"BUNDLE": bundle, "--source": source}.get(missing, images)) in captured.err
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    "wrong",
    [["--tolerance", "nan"], ["--tolerance", "-1"], ["--tolerance", "x"], ["--limit", "0"], ["--limit", "x"], []],
)
def test_a_wrong_usage_exits_with_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    required = ["--source", "c", "--images", "i"] if wrong else []
    assert main(["verify", "b", *required, *wrong]) == 2
    assert (wrong or ["--source"])[0] in capsys.readouterr().err
