"""`sparkvision verify`: SparkVision's engine against transformers on real images, and the exit code."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import EMBEDDED_BUNDLE

from sparkvision.bundle import PREPROCESSOR, Bundle, describe_file, write_manifest
from sparkvision.cli import main
from sparkvision.cli.verify import DATA, PAGE
from sparkvision.errors import ParameterError
from sparkvision.export import ExportReport, export
from sparkvision.verify import ImageDifference, VerifyReport, comparison, verify, write_verify_report
from sparkvision.verify.summary import describe

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
PHOTO = FIXTURES / "photos" / "cat_chelsea.png"


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    # As in the checkpoint's fixture: small models lose by threads.
    torch.set_num_threads(1)


def folder_of(folder: Path, *files: Path) -> Path:
    folder.mkdir()
    for file in files:
        shutil.copy(file, folder)
    return folder


def rewrite(bundle: Path, name: str, text: str) -> None:
    """Change a file of a bundle as an export would have written it, so that its hash is right."""
    (bundle / name).write_text(text)
    manifest = Bundle.read(bundle).manifest
    write_manifest(bundle, replace(manifest, files={**manifest.files, name: describe_file(bundle / name)}))


def test_the_embedded_model_agrees_with_its_checkpoint(
    digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = FIXTURES / "digits_checkpoint"
    arguments = ["embedded:digits", "--source", source, "--images", digits, "--report", tmp_path / "report"]
    assert main(["verify", *map(str, arguments)]) == 0
    captured = capsys.readouterr()
    with capsys.disabled():
        print(f"\n{captured.out}")
    count = len(list(digits.iterdir()))
    assert f"PASSED: on all {count} images the logits agree within 0.001" in captured.out
    assert f"equal on {count} of {count}; largest difference 0.00 levels" in captured.out
    assert f"the same on {count} of {count}" in captured.out
    assert "sparkvision:" not in captured.err
    data = json.loads((tmp_path / "report" / DATA).read_text())
    assert data["schemaVersion"] == 1 and data["passed"] is True
    assert data["files"]["compared"] == data["files"]["equalPixels"] == len(data["pictures"]) == count
    assert 0 < data["largestDifference"]["logits"] < 1e-4
    assert Bundle.read(EMBEDDED_BUNDLE).model_hash() in json.dumps(data)
    assert (tmp_path / "report" / PAGE).is_file()


def test_an_exported_bundle_agrees_with_its_checkpoint_on_photos(exported: ExportReport, checkpoint: Path) -> None:
    told: list[str] = []
    report = verify(exported.bundle.folder, checkpoint, FIXTURES / "photos", progress=told.append)
    print(
        f"\n{len(report.differences)} photos: largest difference {report.largest_level_difference:.1e} levels, "
        f"{report.largest_tensor_difference:.1e} in the tensor, {report.largest_logit_difference:.1e} in the logits"
    )
    assert report.passed and report.equal_pixels == report.same_top == len(report.differences) == 20
    assert report.largest_logit_difference < 1e-4
    assert report.model_hash == exported.bundle.model_hash()
    assert told[0] == "1 of 20 files compared" and told[-1] == "20 of 20 files compared"
    assert report.versions["ONNX Runtime"] == "1.28.0" and report.versions["transformers"].startswith("4.57")
    assert int(report.machine["cores"]) >= 1


def test_another_checkpoints_weights_fail_with_the_worst_image_first(
    exported: ExportReport, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from make_checkpoint import make_checkpoint

    other = make_checkpoint(tmp_path / "other", "vit-tiny", labels=7, seed=1, image_size=32, patch_size=8)
    arguments = [exported.bundle.folder, "--source", other, "--images", digits, "--report", tmp_path, "--limit", "6"]
    assert main(["verify", *map(str, arguments)]) == 1
    assert "FAILED: on 6 of 6 images a logit differs by more than 0.001" in capsys.readouterr().out
    data = json.loads((tmp_path / DATA).read_text())
    differences = [image["logits"] for image in data["pictures"]]
    assert differences == sorted(differences, reverse=True) and differences[-1] > 0.1
    assert data["largestDifference"]["logits"] == differences[0]
    assert data["largestDifference"]["levels"] == 0 and data["files"]["equalPixels"] == 6
    assert data["files"]["found"] > 6


def test_another_mean_shows_as_a_difference_of_pixels(bundle_copy: Path, checkpoint: Path, digits: Path) -> None:
    settings = json.loads((bundle_copy / PREPROCESSOR).read_text())
    assert settings["image_mean"] == settings["image_std"] == [0.5, 0.5, 0.5]
    rewrite(bundle_copy, PREPROCESSOR, json.dumps(settings | {"image_mean": [0.5, 0.6, 0.5]}))
    report = verify(bundle_copy, checkpoint, digits, limit=3)
    assert not report.passed and report.equal_pixels == 0
    # A tenth of the whole range is 25.5 levels, and a tenth over the deviation of 0.5 as the model is fed it.
    assert report.largest_level_difference == pytest.approx(25.5, rel=1e-5)
    assert report.largest_tensor_difference == pytest.approx(0.2, rel=1e-5)


def test_labels_of_other_names_are_counted_and_shown_on_their_own_side(
    exported: ExportReport, checkpoint_copy: Path
) -> None:
    config = json.loads((checkpoint_copy / "config.json").read_text())
    names = {index: name.replace("class", "kind") for index, name in config["id2label"].items()}
    (checkpoint_copy / "config.json").write_text(
        json.dumps(config | {"id2label": names, "label2id": {name: int(index) for index, name in names.items()}})
    )
    report = verify(exported.bundle.folder, checkpoint_copy, FIXTURES / "photos", limit=1)
    assert report.passed and report.labels_renamed == report.labels == 7
    (found,) = report.differences
    assert found.sparkvision.label == found.transformers.label.replace("kind", "class") != found.transformers.label


def test_what_both_sides_refuse_does_not_fail(exported: ExportReport, checkpoint: Path, tmp_path: Path) -> None:
    corrupt = sorted((FIXTURES / "corrupt").glob("*.[jp][pn]g"))
    images = folder_of(tmp_path / "images", PHOTO, *corrupt)
    (images / "notes.txt").write_text("not an image")
    report = verify(exported.bundle.folder, checkpoint, images)
    assert report.passed and [difference.name for difference in report.differences] == [PHOTO.name]
    assert {refusal.name for refusal in report.refused_by_both} == {*(file.name for file in corrupt), "notes.txt"}
    assert all(refusal.sparkvision and refusal.transformers for refusal in report.refusals)
    reasons = {refusal.name: refusal.transformers for refusal in report.refusals}
    assert reasons["notes.txt"] == "Pillow does not recognise an image"


def test_an_image_that_only_transformers_reads_fails(
    exported: ExportReport, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = folder_of(tmp_path / "images", PHOTO)
    with Image.open(PHOTO) as opened:
        opened.convert("RGB").save(images / "cat.ppm")
    arguments = [exported.bundle.folder, "--source", checkpoint, "--images", images, "--report", tmp_path / "report"]
    assert main(["verify", *map(str, arguments)]) == 1
    printed = capsys.readouterr().out
    assert "FAILED: 1 file refused by one side only" in printed
    assert "cat.ppm: refused by SparkVision: " in printed
    (refusal,) = json.loads((tmp_path / "report" / DATA).read_text())["refusals"]
    assert refusal["name"] == "cat.ppm" and refusal["sparkvision"] and refusal["transformers"] is None


def test_an_image_that_only_sparkvision_reads_fails(
    exported: ExportReport, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    report = verify(exported.bundle.folder, checkpoint, folder_of(tmp_path / "images", PHOTO))
    (refusal,) = report.refused_by_one
    assert not report.passed and report.differences == ()
    assert refusal.sparkvision is None and "DecompressionBombError" in str(refusal.transformers)


def test_nothing_but_refused_files_proves_nothing(
    exported: ExportReport, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "_LARGEST_FILE", 1 << 10)
    report = verify(exported.bundle.folder, checkpoint, folder_of(tmp_path / "images", PHOTO))
    assert not report.passed and report.largest_logit_difference == 0
    assert report.refused_by_both[0].sparkvision == "not compared: the file has 0 MiB, of at most 0"


def test_an_image_three_pixels_high_is_not_taken_for_three_channels(
    exported: ExportReport, checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    with Image.open(PHOTO) as opened:
        for size in ((200, 3), (3, 200), (200, 1), (1, 1)):
            opened.resize(size).save(tmp_path / "images" / f"{size[0]}x{size[1]}.png")
    report = verify(exported.bundle.folder, checkpoint, tmp_path / "images")
    assert report.passed and report.equal_pixels == 4


@pytest.mark.parametrize("problem_type", ["multi_label_classification", "regression"])
def test_scores_are_those_of_the_problem_type(
    problem_type: str, checkpoint_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((checkpoint_copy / "config.json").read_text())
    (checkpoint_copy / "config.json").write_text(json.dumps(config | {"problem_type": problem_type}))
    export(checkpoint_copy, tmp_path / "bundle", progress=False)
    arguments = [tmp_path / "bundle", "--source", checkpoint_copy, "--images", FIXTURES / "photos", "--limit", 2]
    assert main(["verify", *map(str, arguments), "--report", str(tmp_path / "report")]) == 0
    data = json.loads((tmp_path / "report" / DATA).read_text())
    assert data["problemType"] == problem_type
    assert ("top label" in capsys.readouterr().out) is (problem_type != "regression")
    for name, score in ((image["name"], image["transformers"]["score"]) for image in data["pictures"]):
        assert score == pytest.approx(expected_score(checkpoint_copy, FIXTURES / "photos" / name), rel=1e-5)


def expected_score(checkpoint: Path, image: Path) -> float:
    """Transformers' own score of the best class: its pipeline chooses sigmoid, but takes regression for softmax."""
    from transformers import pipeline

    classify = pipeline("image-classification", str(checkpoint), use_fast=False)
    function = "none" if classify.model.config.problem_type == "regression" else None
    (best,) = classify(str(image), top_k=1, function_to_apply=function)
    return float(best["score"])


def test_a_difference_that_is_no_number_is_the_worst(exported: ExportReport, checkpoint: Path) -> None:
    report = verify(exported.bundle.folder, checkpoint, FIXTURES / "photos", limit=2)
    none = replace(report.differences[1], logits=math.nan)
    ordered = tuple(sorted((report.differences[0], none), key=ImageDifference.badness))
    broken: VerifyReport = replace(report, differences=ordered)
    assert ordered[0] is none and not broken.passed and broken.above_tolerance == 1
    assert math.isnan(broken.largest_logit_difference)
    assert broken.to_json()["pictures"][0]["logits"] is None
    json.dumps(broken.to_json(), allow_nan=False)


def test_a_name_that_is_not_unicode_is_reported(exported: ExportReport, checkpoint: Path, tmp_path: Path) -> None:
    images = folder_of(tmp_path / "images", PHOTO)
    os.rename(images / PHOTO.name, os.fsencode(images) + b"/caf\xe9.png")
    report = verify(exported.bundle.folder, checkpoint, images)
    write_verify_report(report, tmp_path / "report" / PAGE)
    assert report.passed and "caf\ufffd.png" in describe(report)
    page = (tmp_path / "report" / PAGE).read_text(encoding="utf-8")
    assert 'alt="caf\ufffd.png"' in page and "data:image/jpeg" in page


def test_the_documentation_names_every_field_of_the_data(exported: ExportReport, checkpoint: Path) -> None:
    def fields(value: object) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(fields, value))
        if not isinstance(value, dict):
            return set()
        kept = {name for name in value if name not in ("versions", "machine")}
        return set(value).union(*(fields(value[name]) for name in kept))

    report = verify(exported.bundle.folder, checkpoint, FIXTURES / "photos", limit=1)
    quoted = re.findall(r"`([^`\n]+)`", (ROOT / "docs" / "verify.md").read_text())
    documented = {word for name in quoted for word in re.findall("[a-zA-Z]+", name)}
    assert len(fields(report.to_json())) > 30
    assert fields(report.to_json()) <= documented


def test_scores_do_not_overflow() -> None:
    logits = np.array([-1000.0, 1000.0, 0.0], dtype=np.float32)
    for problem_type, score in (("single_label_classification", 1), ("multi_label_classification", 1)):
        assert comparison.top_label(logits, ["a", "b", "c"], problem_type).score == score


def test_the_data_lies_beside_the_page(exported: ExportReport, checkpoint: Path, tmp_path: Path) -> None:
    report = verify(exported.bundle.folder, checkpoint, FIXTURES / "photos", limit=1)
    page = write_verify_report(report, str(tmp_path / "new" / "page.html"))
    assert page == tmp_path / "new" / "page.html"
    assert json.loads(page.with_suffix(".json").read_text()) == report.to_json()
    with pytest.raises(ParameterError, match=r"page\.json ends in \.json, as the data beside the page does"):
        write_verify_report(report, tmp_path / "page.json")


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    check = "import sys, sparkvision.cli; print({'torch', 'transformers', 'pyspark', 'py4j', 'numpy'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True).stdout == "set()\n"
