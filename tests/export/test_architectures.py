"""Every architecture is exported, in a tiny random-weight version, and computes what torch computes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.checkpoints.tiny_models import TINY_MODELS

from sparkvision.errors import ExportError
from sparkvision.export import ExportReport
from sparkvision.export.architectures import ARCHITECTURES, REFUSED
from sparkvision.export.checkpoint import load
from sparkvision.export.tracing import traceable
from sparkvision.tensors import TensorSpec

CLASSIFIERS = {classifier: family for family in ARCHITECTURES for classifier in family.classifiers}


def test_there_is_a_tiny_model_of_every_architecture() -> None:
    assert set(TINY_MODELS) == set(CLASSIFIERS)


@pytest.mark.parametrize("name", TINY_MODELS)
def test_the_exported_classifier_gives_torchs_logits(
    name: str, tiny_checkpoint: Callable[[str], Path], tiny_export: Callable[[str, str], ExportReport]
) -> None:
    report = tiny_export(name, "image-classification")
    manifest = report.bundle.manifest
    source = load(tiny_checkpoint(name), "image-classification")
    print(f"{name}: largest difference {report.largest_difference:.2e}")
    assert (manifest.architecture, manifest.model_type) == (name, CLASSIFIERS[name].model_type)
    assert manifest.opset == 14
    assert manifest.inputs == (TensorSpec("pixel_values", "float32", ("batch_size", *source.pixel_shape)),)
    assert manifest.outputs == (TensorSpec("logits", "float32", ("batch_size", 5)),)
    assert manifest.labels == tuple(f"class {index:04d}" for index in range(5))
    assert type(source.processor).__name__ == CLASSIFIERS[name].processor
    assert report.largest_difference <= 1e-4


# With a teacher or without, the encoder is the same.
@pytest.mark.parametrize("name", [family.classifiers[0] for family in ARCHITECTURES])
def test_the_exported_encoder_gives_torchs_features(name: str, tiny_export: Callable[[str, str], ExportReport]) -> None:
    report = tiny_export(name, "feature-extraction")
    manifest = report.bundle.manifest
    print(f"{manifest.architecture}: largest difference {report.largest_difference:.2e}")
    assert (manifest.architecture, manifest.task) == (CLASSIFIERS[name].encoder, "feature-extraction")
    assert manifest.labels == ()
    tokens, *pooled = manifest.outputs
    batch, _, width = tokens.shape
    assert (tokens.name, batch) == ("last_hidden_state", "batch_size")
    assert pooled in ([], [TensorSpec("pooler_output", "float32", ("batch_size", width))])
    assert report.largest_difference <= 1e-4


def test_a_pooler_without_weights_in_the_checkpoint_is_left_out(tiny_checkpoint: Callable[[str], Path]) -> None:
    # ViTForImageClassification has no pooler, ViTModel has one; BeitForImageClassification has one too.
    vit = load(tiny_checkpoint("ViTForImageClassification"), "feature-extraction")
    beit = load(tiny_checkpoint("BeitForImageClassification"), "feature-extraction")
    assert vit.output_names == ("last_hidden_state",)
    assert beit.output_names == ("last_hidden_state", "pooler_output")


def test_what_tracing_replaces_is_put_back(tiny_checkpoint: Callable[[str], Path]) -> None:
    for name in ("BitForImageClassification", "Dinov2ForImageClassification", "MobileViTV2ForImageClassification"):
        source = load(tiny_checkpoint(name), "image-classification")
        before = [set(vars(module)) for module in source.model.modules()]
        with traceable(source):
            assert [set(vars(module)) for module in source.model.modules()] != before
        assert [set(vars(module)) for module in source.model.modules()] == before


def test_the_documentation_lists_every_architecture() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text()
    for family in ARCHITECTURES:
        classifiers = ", ".join(f"`{classifier}`" for classifier in family.classifiers)
        assert f"| {classifiers} | `{family.encoder}` | `{family.processor}` | exported |" in text
    assert text.count("| exported |") == len(ARCHITECTURES)
    assert text.count("| refused: ") == len(REFUSED)


def test_a_deprecated_architecture_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit-hybrid"}))
    with pytest.raises(ExportError, match="transformers has deprecated ViT-hybrid, and 4.57 can no longer build"):
        load(tmp_path, "image-classification")
