"""Detection models are exported with both outputs, for images of any size, and compute what torch computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.checkpoints.tiny_models import TINY_DETECTORS

from sparkvision.errors import ExportError, VerifyError
from sparkvision.export import ExportReport, export
from sparkvision.export.architectures import DETECTORS
from sparkvision.export.checkpoint import load
from sparkvision.export.onnx_graph import open_session, run
from sparkvision.tensors import TensorSpec
from sparkvision.verify import verify

TASK = "object-detection"
PIXELS = TensorSpec("pixel_values", "float32", ("batch_size", 3, "height", "width"))
MASK = TensorSpec("pixel_mask", "int64", ("batch_size", "height", "width"))
INPUTS = {"YolosForObjectDetection": (PIXELS,), "DetrForObjectDetection": (PIXELS, MASK)}


def test_there_is_a_tiny_model_of_every_detector() -> None:
    assert set(TINY_DETECTORS) == set(DETECTORS.values())


@pytest.mark.parametrize("name", TINY_DETECTORS)
def test_the_exported_detector_gives_torchs_logits_and_boxes(
    name: str, tiny_export: Callable[[str, str], ExportReport]
) -> None:
    report = tiny_export(name, TASK)
    manifest = report.bundle.manifest
    print(f"{name}: largest difference {report.largest_difference:.2e}")
    assert (manifest.architecture, manifest.task, manifest.opset) == (name, TASK, 14)
    assert manifest.inputs == INPUTS[name]
    assert manifest.outputs == (
        TensorSpec("logits", "float32", ("batch_size", 12, 6)),
        TensorSpec("pred_boxes", "float32", ("batch_size", 12, 4)),
    )
    assert manifest.labels == tuple(f"class {index:04d}" for index in range(5))
    assert report.largest_difference <= 1e-4


@pytest.mark.parametrize("name", TINY_DETECTORS)
def test_the_graph_takes_every_size_and_mask(
    name: str, tiny_checkpoint: Callable[[str], Path], tiny_export: Callable[[str, str], ExportReport]
) -> None:
    source = load(tiny_checkpoint(name), TASK)
    session = open_session(tiny_export(name, TASK).bundle.folder)
    draw = np.random.default_rng(3)
    worst = 0.0
    for height, width in [(65, 97), (96, 160), (213, 150), (34, 501)]:
        pixels = draw.standard_normal((2, 3, height, width), dtype=np.float32)
        mask = np.ones((2, height, width), np.int64)
        # Where a row or column of features begins, so that rounding decides on which side it is.
        mask[1, height // 2 :], mask[1, :, width // 2 :] = 0, 0
        masks = torch.from_numpy(mask) if source.takes_mask else None
        expected = source.outputs(torch.from_numpy(pixels), masks)
        for ours, theirs in zip(run(session, pixels, mask), expected.values(), strict=True):
            worst = max(worst, float(np.abs(ours - theirs.numpy()).max()))
    print(f"{name}: largest difference {worst:.2e}")
    assert worst <= 1e-4


@pytest.mark.parametrize("arguments", [{"precision": "int8"}, {"precision": "fp16"}, {"optimize": True}])
def test_what_nobody_has_measured_is_refused(
    arguments: dict[str, object], tiny_checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match="object-detection is exported with precision fp32 and not optimised"):
        export(tiny_checkpoint("YolosForObjectDetection"), tmp_path / "out", task=TASK, **arguments)  # type: ignore[arg-type]


def test_a_classifier_is_refused_naming_the_detectors(tiny_checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="a vit model cannot be exported for object-detection; Yolos.* and Detr"):
        export(tiny_checkpoint("ViTForImageClassification"), tmp_path / "out", task=TASK)


def test_verify_refuses_a_detector_by_name(
    tiny_checkpoint: Callable[[str], Path], tiny_export: Callable[[str, str], ExportReport], photos: list[Path]
) -> None:
    folder = tiny_export("YolosForObjectDetection", TASK).bundle.folder
    with pytest.raises(VerifyError, match="for object-detection; only image-classification can be verified"):
        verify(folder, tiny_checkpoint("YolosForObjectDetection"), photos[0].parent)
