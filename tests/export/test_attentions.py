"""`export --attentions`: the graph's rollout is what the source model's own attentions give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification

from sparkvision.bundle import Bundle
from sparkvision.errors import BundleError, ExportError
from sparkvision.export import ExportReport, export
from sparkvision.local import LocalModel


@pytest.fixture(scope="module")
def bundle(checkpoint: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("attentions") / "bundle"
    return export(checkpoint, folder, images=digits, progress=False, attentions=True).bundle


def rollout_of_transformers(checkpoint: Path, files: list[Path]) -> npt.NDArray[np.float64]:
    """Multiply the attentions of all layers, as the paper's formula has them: each a matrix of all tokens."""
    model = AutoModelForImageClassification.from_pretrained(checkpoint, attn_implementation="eager").eval()
    processors: Any = AutoImageProcessor  # its methods have no types
    processor = processors.from_pretrained(checkpoint, use_fast=False)
    pixels = processor([Image.open(file).convert("RGB") for file in files], return_tensors="pt")
    with torch.no_grad():
        attentions = [layer.double().numpy() for layer in model(**pixels, output_attentions=True).attentions]
    product = np.eye(attentions[0].shape[-1])
    for attention in attentions:
        product = (0.5 * attention.mean(axis=1) + 0.5 * np.eye(product.shape[-1])) @ product
    side = model.config.image_size // model.config.patch_size
    return product[:, 0, 1:].reshape(-1, side, side)


def test_the_rollout_is_that_of_transformers_attentions(bundle: Bundle, checkpoint: Path, digits: Path) -> None:
    files = sorted(digits.iterdir())[:5]
    with LocalModel(bundle.folder) as model:
        found = model.attention_rollout([str(file) for file in files])
    expected = rollout_of_transformers(checkpoint, files)
    difference = float(np.abs(found - expected).max())
    print(f"largest difference of an attention rollout: {difference:.2e} of up to {expected.max():.3f}")
    assert found.shape == (5, 4, 4) and difference < 1e-6


def test_the_manifest_names_the_output_and_logits_are_first(bundle: Bundle) -> None:
    assert [(output.name, output.shape[1:]) for output in bundle.manifest.outputs] == [
        ("logits", (7,)),
        ("attention_rollout", (4, 4)),
    ]


def test_logits_stay_as_they_are(bundle: Bundle, exported: ExportReport, digits: Path) -> None:
    files = [str(file) for file in sorted(digits.iterdir())[:5]]
    with LocalModel(bundle.folder) as model, LocalModel(exported.bundle.folder) as plain:
        difference = float(np.abs(model.logits(files) - plain.logits(files)).max())
    print(f"largest difference of a logit: {difference:.2e}")
    assert difference < 1e-5


@pytest.mark.parametrize("architecture", ["DeiTForImageClassification", "Dinov2WithRegistersForImageClassification"])
def test_further_tokens_beside_the_class_token_are_left_out(
    architecture: str, tiny_checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    report = export(tiny_checkpoint(architecture), tmp_path / "bundle", progress=False, attentions=True)
    _, rollout = report.bundle.manifest.outputs
    assert rollout.shape[1:] == {"Dei": (4, 4), "Din": (3, 3)}[architecture[:3]]


@pytest.mark.parametrize(
    "architecture",
    ["SwinForImageClassification", "ConvNextForImageClassification", "SiglipForImageClassification"],
)
def test_models_without_a_class_token_on_patches_are_refused(
    architecture: str, tiny_checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=f"{architecture} has no class token .* omit --attentions"):
        export(tiny_checkpoint(architecture), tmp_path / "bundle", progress=False, attentions=True)


def test_attentions_of_another_task_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="exported with image classification, not with feature-extraction"):
        export(checkpoint, tmp_path / "bundle", task="feature-extraction", progress=False, attentions=True)


def test_a_bundle_without_attentions_says_how_to_get_them(exported: ExportReport, digits: Path) -> None:
    file = str(next(digits.iterdir()))
    with (
        LocalModel(exported.bundle.folder) as model,
        pytest.raises(BundleError, match="export --attentions"),
    ):
        model.attention_rollout([file])
