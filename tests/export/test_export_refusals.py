"""What cannot be exported is refused with one clear error, and nothing the user had is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.checkpoints.tiny_models import make

from sparkvision.errors import ExportError, ParameterError
from sparkvision.export import export

LABELS = 7


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def damage_weights(checkpoint: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = load_file(checkpoint / "model.safetensors")
    change(weights)
    save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})


def enlarge_classifier(weights: dict[str, torch.Tensor]) -> None:
    """Make logits so large that one rounding of float32 is more than 1e-3: two runtimes cannot agree on them."""
    weights["classifier.weight"] = weights["classifier.weight"] * 1e6


@pytest.mark.parametrize("source", ["no-such/folder/at/all", "./no-such-folder", "no-such-folder/", "~"])
def test_a_missing_folder_is_named(tmp_path: Path, source: str) -> None:
    with pytest.raises(ParameterError, match=f"^{source}: there is no such folder, and it is no id of a model"):
        export(source, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_a_hub_id_without_network_says_how_to_use_a_local_folder(tmp_path: Path) -> None:
    # In a process of its own: the libraries read their offline switch once, when they are imported.
    code = (
        "import os; os.environ['HF_HUB_OFFLINE'] = '1'; os.environ['HF_HOME'] = 'empty-cache'\n"
        "from sparkvision.cli import main\n"
        "raise SystemExit(main(['export', 'example/not-here', 'out']))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "the hub cannot be reached from this machine" in result.stderr
    assert "huggingface-cli download example/not-here --local-dir my-checkpoint" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
def test_an_incomplete_checkpoint_names_what_is_missing(checkpoint_copy: Path, tmp_path: Path, file: str) -> None:
    (checkpoint_copy / file).unlink()
    with pytest.raises(ExportError, match=f"holds no {file}; a checkpoint folder needs"):
        export(checkpoint_copy, tmp_path / "out", progress=False)


def test_a_checkpoint_without_weights_is_refused(checkpoint_copy: Path, tmp_path: Path) -> None:
    (checkpoint_copy / "model.safetensors").unlink()
    with pytest.raises(ExportError, match="cannot be loaded for image-classification: .*no file named"):
        export(checkpoint_copy, tmp_path / "out", progress=False)


def test_a_checkpoint_without_a_classifier_is_refused(checkpoint_copy: Path, tmp_path: Path) -> None:
    damage_weights(checkpoint_copy, lambda weights: weights.pop("classifier.weight"))
    with pytest.raises(ExportError, match="no weights for classifier.weight: it was not trained for"):
        export(checkpoint_copy, tmp_path / "out", progress=False)


def test_a_processor_for_another_image_size_is_refused(checkpoint_copy: Path, tmp_path: Path) -> None:
    path = checkpoint_copy / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "size": {"height": 48, "width": 40}}))
    with pytest.raises(ExportError, match=r"\[3, 48, 40\], which the model does not accept: .*48\*40.*32\*32"):
        export(checkpoint_copy, tmp_path / "out", progress=False)


def test_a_processor_that_keeps_the_aspect_ratio_is_refused(tmp_path: Path) -> None:
    checkpoint = make("BitForImageClassification", tmp_path / "checkpoint")
    path = checkpoint / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "do_center_crop": False}))
    with pytest.raises(ExportError, match=r"\[3, 36, 56\] or \[3, 56, 36\], .* or set `do_center_crop`"):
        export(checkpoint, tmp_path / "out", progress=False)


def test_a_problem_type_that_transformers_does_not_know_is_refused(checkpoint_copy: Path, tmp_path: Path) -> None:
    path = checkpoint_copy / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "problem_type": "ranking"}))
    with pytest.raises(ExportError, match="problem_type.*ranking|ranking.*problem_type"):
        export(checkpoint_copy, tmp_path / "out", progress=False)


def test_labels_for_features_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "labels").write_text("cat")
    with pytest.raises(ExportError, match="labels make no sense for feature-extraction"):
        export(checkpoint, tmp_path / "out", task="feature-extraction", labels=tmp_path / "labels", progress=False)


def test_an_unknown_task_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="'image-segmentation' is not supported; supported: image-classification"):
        export(checkpoint, tmp_path / "out", task="image-segmentation", progress=False)


def test_an_impossible_opset_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="opset 99 cannot be exported; give one from 9 to 20"):
        export(checkpoint, tmp_path / "out", opset=99, progress=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat\ndog\n", f"holds 2 labels, but the model has {LABELS} classes"),
        ('["cat", "dog"]', f"holds 2 labels, but the model has {LABELS} classes"),
        ('{"cat": 0, "dog": 2}', "has 2 labels but none for id 1"),
        ('{"cat": "zero"}', "does not hold labels"),
        ('{"cat": 0,', "is not valid JSON"),
    ],
)
def test_labels_that_do_not_fit_are_refused(checkpoint: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "labels").write_text(text)
    with pytest.raises(ExportError, match=message):
        export(checkpoint, tmp_path / "out", labels=tmp_path / "labels", progress=False)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_images_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "notes.txt").write_text("no image")
    with pytest.raises(ExportError, match="holds no readable image"):
        export(checkpoint, tmp_path / "out", images=tmp_path / "images", progress=False)


def test_a_path_that_does_not_exist_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    for option, message in (("images", "there is no such folder"), ("labels", "there is no such labels file")):
        options: dict[str, Any] = {option: tmp_path / "nowhere"}
        with pytest.raises(ParameterError, match=f"nowhere: {message}"):
            export(checkpoint, tmp_path / "out", progress=False, **options)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_other_files_is_left_alone(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ExportError, match="is not empty and holds no bundle"):
        export(checkpoint, tmp_path, progress=False)
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


def test_a_bundle_with_a_file_of_the_users_is_left_alone(checkpoint: Path, bundle_copy: Path) -> None:
    (bundle_copy / "notes.txt").write_text("mine")
    before = contents(bundle_copy)
    with pytest.raises(ExportError, match=r"holds a bundle and also notes\.txt"):
        export(checkpoint, bundle_copy, progress=False)
    assert contents(bundle_copy) == before


def test_an_existing_bundle_is_replaced_by_a_good_export(checkpoint: Path, bundle_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(json.dumps(list("abcdefg")))
    export(checkpoint, bundle_copy, labels=tmp_path / "labels.json", progress=False)
    assert json.loads((bundle_copy / "assets/labels.json").read_text())["a"] == 0
    assert sorted(path.name for path in bundle_copy.parent.iterdir()) == ["bundle", "labels.json"]


def test_logits_beyond_the_tolerance_fail_and_the_existing_bundle_stays(
    checkpoint_copy: Path, bundle_copy: Path, tmp_path: Path
) -> None:
    damage_weights(checkpoint_copy, enlarge_classifier)
    before = contents(bundle_copy)
    with pytest.raises(ExportError, match=r"logits differ from the source model's by .* more than the 0\.001 allowed"):
        export(checkpoint_copy, bundle_copy, progress=False)
    assert contents(bundle_copy) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "checkpoint"]


def test_weights_that_are_not_numbers_fail(checkpoint_copy: Path, tmp_path: Path) -> None:
    def spoil(weights: dict[str, torch.Tensor]) -> None:
        weights["classifier.bias"] = weights["classifier.bias"] * float("nan")

    damage_weights(checkpoint_copy, spoil)
    with pytest.raises(ExportError, match="differ from the source model's by nan"):
        export(checkpoint_copy, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()
