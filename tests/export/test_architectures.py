"""Every architecture is exported, in a tiny random-weight version, and computes what torch computes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from make_checkpoint import make
from sparkvision.export import export
from sparkvision.export.architectures import ARCHITECTURES
from sparkvision.export.checkpoint import load
from sparkvision.manifest import TensorSpec
from tiny_models import TINY_MODELS

CLASSIFIERS = {classifier: family for family in ARCHITECTURES for classifier in family.classifiers}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny checkpoint of every architecture."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny")
    return {name: make(name, folder / name) for name in TINY_MODELS}


def test_there_is_a_tiny_model_of_every_architecture() -> None:
    assert set(TINY_MODELS) == set(CLASSIFIERS)


@pytest.mark.parametrize("name", TINY_MODELS)
def test_the_exported_classifier_gives_torchs_logits(name: str, tiny: dict[str, Path], tmp_path: Path) -> None:
    report = export(tiny[name], tmp_path / "bundle", progress=None)
    manifest = report.bundle.manifest
    source = load(tiny[name], "image-classification")
    print(f"{name}: largest difference {report.largest_difference:.2e}")
    assert (manifest.architecture, manifest.model_type) == (name, CLASSIFIERS[name].model_type)
    assert manifest.opset == 14
    assert manifest.inputs == (TensorSpec("pixel_values", "float32", ("batch_size", *source.pixel_shape)),)
    assert manifest.outputs == (TensorSpec("logits", "float32", ("batch_size", 5)),)
    assert manifest.labels == tuple(f"class {index:04d}" for index in range(5))
    assert type(source.processor).__name__ == CLASSIFIERS[name].processor
    assert report.largest_difference <= 1e-4


@pytest.mark.parametrize("name", TINY_MODELS)
def test_the_exported_encoder_gives_torchs_features(name: str, tiny: dict[str, Path], tmp_path: Path) -> None:
    report = export(tiny[name], tmp_path / "bundle", task="feature-extraction", progress=None)
    manifest = report.bundle.manifest
    print(f"{manifest.architecture}: largest difference {report.largest_difference:.2e}, {manifest.outputs}")
    assert (manifest.architecture, manifest.task) == (CLASSIFIERS[name].encoder, "feature-extraction")
    assert manifest.labels == ()
    tokens, *pooled = manifest.outputs
    assert tokens.name == "last_hidden_state" and tokens.shape[0] == "batch_size" and len(tokens.shape) == 3
    assert [(output.name, output.shape) for output in pooled] in (
        [],
        [("pooler_output", ("batch_size", tokens.shape[2]))],
    )
    assert report.largest_difference <= 1e-4
