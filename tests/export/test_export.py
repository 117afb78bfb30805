"""A checkpoint is exported to a bundle whose manifest is true and whose graph computes what torch computes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from tests.checkpoints.tiny_models import make

from sparkvision.bundle import Bundle
from sparkvision.export import ExportReport, export
from sparkvision.tensors import TensorSpec

LABELS = 7


def run_graph(folder: Path, pixel_values: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    logits: NDArray[np.float32] = session.run(["logits"], {"pixel_values": pixel_values})[0]
    return logits


def torch_logits(checkpoint: Path, pixel_values: NDArray[np.float32]) -> NDArray[np.float32]:
    import torch
    from transformers import ViTForImageClassification

    model = ViTForImageClassification.from_pretrained(checkpoint, attn_implementation="eager").eval()
    with torch.no_grad():
        logits: NDArray[np.float32] = model(pixel_values=torch.from_numpy(pixel_values)).logits.numpy()
    return logits


def test_the_manifest_lists_every_file_with_its_sha256_and_size(exported: ExportReport) -> None:
    manifest = json.loads((exported.bundle.folder / "sparkvision.json").read_text())
    found = {
        path.relative_to(exported.bundle.folder).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size": path.stat().st_size,
        }
        for path in exported.bundle.folder.rglob("*")
        if path.is_file() and path.name != "sparkvision.json"
    }
    assert manifest["files"] == found
    assert set(found) == {
        "model.onnx",
        "assets/labels.json",
        "assets/preprocessor_config.json",
        "golden/input.f32",
        "golden/output.f32",
    }


def test_the_manifest_names_model_task_and_versions(exported: ExportReport) -> None:
    manifest = exported.bundle.manifest
    assert (manifest.architecture, manifest.model_type) == ("ViTForImageClassification", "vit")
    assert (manifest.task, manifest.problem_type) == ("image-classification", "single_label_classification")
    assert (manifest.opset, manifest.ir_version) == (14, 7)
    assert manifest.exporters["onnxruntime"] == onnxruntime.__version__


def test_the_graph_leaves_only_the_batch_size_free(exported: ExportReport) -> None:
    manifest = exported.bundle.manifest
    assert manifest.inputs == (TensorSpec("pixel_values", "float32", ("batch_size", 3, 32, 32)),)
    assert manifest.outputs == (TensorSpec("logits", "float32", ("batch_size", LABELS)),)


def test_labels_stand_in_the_order_of_their_ids(exported: ExportReport) -> None:
    names = tuple(f"class {index:04d}" for index in range(LABELS))
    assert exported.bundle.manifest.labels == names
    assert json.loads((exported.bundle.folder / "assets/labels.json").read_text()) == {
        n: i for i, n in enumerate(names)
    }


def test_the_processor_config_is_the_checkpoints_own(exported: ExportReport, checkpoint: Path) -> None:
    written = json.loads((exported.bundle.folder / "assets/preprocessor_config.json").read_text())
    assert written == json.loads((checkpoint / "preprocessor_config.json").read_text())


def test_the_golden_output_is_torchs_own_and_onnxruntime_reproduces_it(
    exported: ExportReport, checkpoint: Path
) -> None:
    given = np.fromfile(exported.bundle.folder / "golden/input.f32", "<f4").reshape(2, 3, 32, 32)
    expected = np.fromfile(exported.bundle.folder / "golden/output.f32", "<f4").reshape(2, LABELS)
    to_torch = np.abs(torch_logits(checkpoint, given) - expected).max()
    to_graph = np.abs(run_graph(exported.bundle.folder, given) - expected).max()
    print(f"golden output: largest difference {to_torch:.2e} to torch, {to_graph:.2e} to ONNX Runtime")
    assert to_torch <= 1e-5
    assert to_graph <= 1e-3


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_any_batch_size_gives_torchs_logits(exported: ExportReport, checkpoint: Path, batch: int) -> None:
    pixel_values = np.random.default_rng(batch).standard_normal((batch, 3, 32, 32), dtype=np.float32)
    expected = torch_logits(checkpoint, pixel_values)
    difference = np.abs(run_graph(exported.bundle.folder, pixel_values) - expected).max()
    print(f"batch {batch}: largest difference {difference:.2e}, largest logit {np.abs(expected).max():.2f}")
    assert np.abs(expected).max() > 1
    assert difference <= 1e-3


def test_progress_tells_each_step_and_the_largest_difference(exported: ExportReport, export_lines: list[str]) -> None:
    text = "\n".join(export_lines)
    print(text)
    assert [line[:5] for line in export_lines if line.startswith("[")] == [f"[{step}/5]" for step in range(1, 6)]
    assert "largest difference in logits" in text
    assert 0 < exported.largest_difference <= 1e-3
    assert exported.images == 32


def test_the_model_hash_covers_the_graph_and_not_the_labels(
    exported: ExportReport, checkpoint: Path, digits: Path, tmp_path: Path
) -> None:
    (tmp_path / "labels.txt").write_text("\n".join("abcdefg"))
    renamed = export(checkpoint, tmp_path / "bundle", labels=tmp_path / "labels.txt", images=digits, progress=False)
    digest = hashlib.sha256((exported.bundle.folder / "model.onnx").read_bytes()).hexdigest()
    assert exported.bundle.model_hash() == hashlib.sha256(f"model.onnx {digest}\n".encode()).hexdigest()
    assert renamed.bundle.manifest.labels == tuple("abcdefg")
    assert renamed.bundle.model_hash() == exported.bundle.model_hash()


def test_external_data_is_listed_and_part_of_the_model_hash(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Optimum's own switch: what it does by itself for a model of more than 2 GB.
    monkeypatch.setenv("FORCE_ONNX_EXTERNAL_DATA", "1")
    report = export(checkpoint, tmp_path / "bundle", progress=False)
    files = report.bundle.manifest.files
    assert files["model.onnx_data"].size > files["model.onnx"].size
    lines = "".join(f"{name} {files[name].sha256}\n" for name in ("model.onnx", "model.onnx_data"))
    assert report.bundle.model_hash() == hashlib.sha256(lines.encode()).hexdigest()


def test_another_opset_is_exported_when_asked_for(checkpoint: Path, tmp_path: Path) -> None:
    report = export(checkpoint, tmp_path / "bundle", opset=17, progress=False)
    assert report.bundle.manifest.opset == 17


@pytest.mark.parametrize(
    ("named", "labels", "expected"),
    [
        (None, 1, "regression"),
        ("regression", 2, "regression"),
        (None, 2, "single_label_classification"),
        ("multi_label_classification", 1, "multi_label_classification"),
    ],
)
def test_the_problem_type_is_what_transformers_would_assume(
    named: str | None, labels: int, expected: str, tmp_path: Path
) -> None:
    checkpoint = make("ViTForImageClassification", tmp_path / "checkpoint", labels)
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps({**config, "problem_type": named}))
    manifest = export(checkpoint, tmp_path / "bundle", progress=False).bundle.manifest
    assert manifest.problem_type == expected
    assert manifest.outputs == (TensorSpec("logits", "float32", ("batch_size", labels)),)


def test_classes_of_one_name_keep_it_and_are_told(
    checkpoint_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["cat", "dog", "cat", "bird", "cow", "eel", "dog"]
    config = json.loads((checkpoint_copy / "config.json").read_text())
    (checkpoint_copy / "config.json").write_text(json.dumps({**config, "id2label": dict(enumerate(names))}))
    report = export(checkpoint_copy, tmp_path / "bundle")
    assert report.bundle.manifest.labels == tuple(names)
    told = [line for line in capsys.readouterr().out.splitlines() if "several classes" in line]
    assert (
        len(told) == 1 and "called 'cat' (ids 0, 2), 'dog' (ids 1, 6): results tell them apart by their ids" in told[0]
    )


def test_a_processor_that_does_not_say_its_type_is_named_in_the_bundle(checkpoint_copy: Path, tmp_path: Path) -> None:
    path = checkpoint_copy / "preprocessor_config.json"
    settings = json.loads(path.read_text())
    del settings["image_processor_type"]
    path.write_text(json.dumps(settings))
    report = export(checkpoint_copy, tmp_path / "bundle", progress=False)
    written = json.loads((report.bundle.folder / "assets/preprocessor_config.json").read_text())
    assert written == {**settings, "image_processor_type": "ViTImageProcessor"}


def test_the_embedded_model_is_a_whole_bundle_under_two_megabytes() -> None:
    root = Path(__file__).resolve().parents[2]
    bundle = Bundle.read(root / "jvm/engine/src/main/resources/sparkvision/models/digits")
    bundle.verify_files()
    assert bundle.manifest.labels == tuple("0123456789")
    assert bundle.size() < 2_000_000
