"""A CLIP becomes a bundle of two graphs, which agree with transformers, and a tokenizer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import CLIPModel, CLIPTokenizerFast

from sparkvision.bundle import LABEL_EMBEDDINGS, TEXT_GRAPH, TOKENIZER, Bundle
from sparkvision.cli import main
from sparkvision.errors import BundleError, ExportError
from sparkvision.export import export

TASK = "zero-shot-image-classification"
LABELS = ("a cat", "a dog", "a red car")


@pytest.fixture(scope="module")
def exported(clip_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, str]:
    """The bundle with labels, and what its export printed."""
    lines: list[str] = []
    folder = tmp_path_factory.mktemp("clip") / "bundle"
    return export(clip_checkpoint, folder, TASK, candidate_labels=LABELS, progress=lines.append).bundle, "\n".join(
        lines
    )


@pytest.fixture(scope="module")
def bundle(exported: tuple[Bundle, str]) -> Bundle:
    return exported[0]


def test_the_manifest_names_both_graphs_with_their_hashes(bundle: Bundle) -> None:
    manifest, text = bundle.manifest, bundle.manifest.text
    assert text is not None
    bundle.verify_files()
    assert set(text.files) <= set(manifest.files)
    assert bundle.model_files() == ["model.onnx", TEXT_GRAPH]
    assert (manifest.task, manifest.architecture, manifest.labels) == (TASK, "CLIPModel", LABELS)
    assert manifest.outputs[0].shape[1:] == text.output.shape[1:] == (16,)
    assert text.logit_scale == pytest.approx(100, rel=1e-5)
    assert text.hypothesis_template == "This is a photo of {}."


def test_the_export_compares_both_halves_with_torch(exported: tuple[Bundle, str]) -> None:
    assert "largest difference in image_embeds" in exported[1]
    assert "largest difference in text_embeds" in exported[1]
    print(exported[1])


def test_labels_fixed_at_export_have_transformers_embeddings(bundle: Bundle, clip_checkpoint: Path) -> None:
    tokenizer: Any = CLIPTokenizerFast.from_pretrained(clip_checkpoint)
    sentences = [f"This is a photo of {label}." for label in LABELS]
    tokens = tokenizer(sentences, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected: Any = CLIPModel.from_pretrained(clip_checkpoint).get_text_features(**tokens)
    found = np.fromfile(bundle.folder / LABEL_EMBEDDINGS, "<f4").reshape(len(LABELS), -1)
    difference = np.abs(found - expected.numpy()).max()
    print(f"largest difference of a label's embedding: {difference:.2e}")
    assert difference < 1e-5


def test_the_written_tokenizer_cuts_off_what_the_model_cannot_read(bundle: Bundle) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(bundle.folder / TOKENIZER))
    ids = tokenizer.encode("a dog and " * 20).ids
    assert len(ids) == 24
    assert ids[-1] == tokenizer.token_to_id("<|endoftext|>")
    assert len(tokenizer.encode("a dog").ids) < 24


def test_a_damaged_text_graph_is_found(bundle: Bundle, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle.folder, tmp_path / "copy"))
    (copy / TEXT_GRAPH).write_bytes((copy / TEXT_GRAPH).read_bytes()[:-1])
    with pytest.raises(BundleError, match=f"{TEXT_GRAPH} is damaged"):
        Bundle.read(copy).verify_files()


def test_a_manifest_that_names_a_text_file_elsewhere_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle.folder, tmp_path / "copy"))
    manifest = json.loads((copy / "sparkvision.json").read_text())
    manifest["text"]["tokenizer"] = "../tokenizer.json"
    (copy / "sparkvision.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"\.\./tokenizer\.json"):
        Bundle.read(copy)


def test_the_command_reads_labels_and_template(
    clip_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    out = tmp_path / "out"
    options = ["--candidate-labels", str(tmp_path / "labels.txt"), "--hypothesis-template", "an image of {}"]
    assert main(["export", str(clip_checkpoint), str(out), "--task", TASK, *options]) == 0
    manifest = Bundle.read(out).manifest
    assert manifest.text is not None
    assert (manifest.labels, manifest.text.hypothesis_template) == (("cat", "dog"), "an image of {}")
    capsys.readouterr()
    assert main(["inspect", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "text input     input_ids int64 [batch_size, tokens]" in shown
    assert "an image of {}" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int8"}, "is exported with precision fp32"),
        ({"optimize": True}, "not optimised"),
        ({"attentions": True}, "without attentions"),
        ({"labels": "labels.txt"}, "labels make no sense"),
        ({"candidate_labels": []}, "holds no label"),
        ({"hypothesis_template": "a photo"}, "must have {} once"),
        ({"hypothesis_template": "{} and {}"}, "must have {} once"),
    ],
)
def test_what_makes_no_sense_is_refused(
    clip_checkpoint: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        export(clip_checkpoint, tmp_path / "out", TASK, progress=False, **options)
    assert not (tmp_path / "out").exists()


def test_labels_to_choose_among_are_refused_for_another_task(clip_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="candidate labels make no sense for feature-extraction"):
        export(clip_checkpoint, tmp_path / "out", "feature-extraction", candidate_labels=LABELS, progress=False)


def test_another_model_than_a_clip_is_refused_by_name(tiny_checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="is a vit model; .* only those of type clip"):
        export(tiny_checkpoint("ViTForImageClassification"), tmp_path / "out", TASK, progress=False)


def test_a_checkpoint_without_tokenizer_is_refused(clip_checkpoint: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(clip_checkpoint, tmp_path / "copy"))
    for name in ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (copy / name).unlink(missing_ok=True)
    with pytest.raises(ExportError, match="the tokenizer of .* cannot be loaded"):
        export(copy, tmp_path / "out", TASK, progress=False)
