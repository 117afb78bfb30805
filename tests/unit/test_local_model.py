"""LocalModel gives exactly what executors feed the session and get back; LightPipeline labels without a Spark job."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from transformers import ViTImageProcessor

from sparkvision.errors import BundleError, ImageError, ParameterError
from sparkvision.light_pipeline import _annotations
from sparkvision.local import LocalModel, Picture


def slow_processor(checkpoint: Path, pictures: list[Path], draft: bool = False) -> np.ndarray:
    """Transformers' slow (Pillow) processor, on pictures as Pillow opens them or, on request, on its drafts."""
    processor = ViTImageProcessor.from_pretrained(checkpoint)
    opened = [Image.open(path) for path in pictures]
    if draft:
        for image in opened:
            image.draft("RGB", (processor.size["width"], processor.size["height"]))
    upright = [ImageOps.exif_transpose(image).convert("RGB") for image in opened]
    tensors: np.ndarray = processor(upright, return_tensors="np")["pixel_values"]
    return tensors


@pytest.fixture(scope="module")
def model() -> LocalModel:
    return LocalModel("embedded:digits")


def test_preprocessing_equals_the_slow_processor(
    checkpoints: dict[str, Path], bundles: dict[str, Path], photos: list[Path]
) -> None:
    with LocalModel(bundles["vit-tiny"]) as local:
        ours = local.preprocess(photos)
    expected = slow_processor(checkpoints["vit-tiny"], photos)
    # Undo (v / 255 - 0.5) / 0.5 to see the 8-bit pixels: they must be the very same.
    pixels, expected_pixels = (np.rint((t.astype(np.float64) * 0.5 + 0.5) * 255) for t in (ours, expected))
    print(f"\n{len(photos)} photos: largest difference {np.abs(ours - expected).max():.2e}")
    assert ours.dtype == np.float32 and ours.shape == (20, 3, 224, 224)
    assert (pixels == expected_pixels).all()
    assert np.abs(ours - expected).max() <= 1e-6


def test_fast_decoding_equals_the_slow_processor_on_pillows_drafts(
    checkpoints: dict[str, Path], bundles: dict[str, Path], photos: list[Path]
) -> None:
    large = [photo for photo in photos if photo.suffix == ".jpg" and min(Image.open(photo).size) >= 448]
    with LocalModel(bundles["vit-tiny"], decode_mode="fast") as local:
        ours = local.preprocess(large)
    expected = slow_processor(checkpoints["vit-tiny"], large, draft=True)
    print(f"\n{len(large)} drafts: largest difference {np.abs(ours - expected).max():.2e}")
    assert len(large) >= 4 and np.abs(ours - expected).max() <= 1e-6
    assert (ours != slow_processor(checkpoints["vit-tiny"], large)).any(axis=(1, 2, 3)).all()


def test_an_unknown_decode_mode_is_refused() -> None:
    with pytest.raises(ParameterError, match="decodeMode 'quick'; it is one of exact, fast"):
        LocalModel("embedded:digits", decode_mode="quick")  # type: ignore[arg-type]


def test_bytes_and_paths_give_the_same(model: LocalModel, digits: list[Path]) -> None:
    files = digits[:5]
    assert (model.logits(files) == model.logits([f.read_bytes() for f in files])).all()
    assert (model.logits(files) == model.logits([str(f) for f in files])).all()


def test_logits_have_a_row_for_each_picture_in_order(model: LocalModel, digits: list[Path]) -> None:
    # More than one call to the JVM carries.
    truth = [int(file.parent.name) for file in digits]
    logits = model.logits(digits)
    assert logits.shape == (len(digits), 10) and logits.dtype == np.float32
    assert (logits.argmax(axis=1) == truth).mean() >= 0.97


def test_unreadable_picture_raises_with_its_index_and_reason(model: LocalModel, digits: list[Path]) -> None:
    good = digits[0].read_bytes()
    with pytest.raises(ImageError, match="truncated|corrupt") as refused:
        model.logits([good, good[:60], good])
    assert refused.value.index == 1


def test_unreadable_picture_gives_nan_when_asked(model: LocalModel, digits: list[Path]) -> None:
    pictures: list[Picture] = [digits[0], "/no/such/picture.png", b"not a picture", digits[1]]
    logits = model.logits(pictures, on_error="null")
    assert np.isnan(logits).all(axis=1).tolist() == [False, True, True, False]
    assert (logits[[0, 3]] == model.logits([digits[0], digits[1]])).all()


def test_no_pictures_give_no_rows(model: LocalModel) -> None:
    assert model.logits([]).shape == (0, 10)
    assert model.preprocess([]).shape == (0, 3, 32, 32)


def test_something_that_is_no_picture_is_refused(model: LocalModel) -> None:
    with pytest.raises(ParameterError, match="bytes or a path, not int"):
        model.logits([3])  # type: ignore[list-item]


def test_missing_bundle_is_refused() -> None:
    with pytest.raises(BundleError, match="/no/such/bundle"):
        LocalModel("/no/such/bundle")


def test_a_jvm_of_its_own_serves_where_no_spark_session_runs(tmp_path: Path, digits: list[Path]) -> None:
    script = """
import sys
from sparkvision.local import LocalModel
print(LocalModel("embedded:digits").logits(sys.argv[1:]).argmax(1))
"""
    run = subprocess.run(
        [sys.executable, "-c", script, str(digits[0])], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert run.stdout.strip() == f"[{digits[0].parent.name}]", run.stderr


def test_a_pictures_facts_win_over_a_class_of_the_same_name() -> None:
    best = [{"id": 0, "label": "width", "score": "0.5"}]
    (annotation,) = _annotations({"height": 2, "width": 3, "best": best}, "a.png")
    assert annotation.result == "width" and annotation.metadata["width"] == "3"
