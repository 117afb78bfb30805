"""LocalModel gives exactly what executors feed the session and get back; LightPipeline labels without a Spark job."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.conftest import EMBEDDED_BUNDLE
from transformers import ViTImageProcessor

from sparkvision.errors import BundleError, ImageError, ParameterError
from sparkvision.light_pipeline import _annotations
from sparkvision.local import ImageInput, LocalModel


def slow_processor(checkpoint: Path, images: list[Path], draft: bool = False) -> np.ndarray:
    """Transformers' slow (Pillow) processor, on images as Pillow opens them or, on request, on its drafts."""
    processor = ViTImageProcessor.from_pretrained(checkpoint)
    opened = [Image.open(path) for path in images]
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
    with pytest.raises(ParameterError, match="decodeMode must be one of exact, fast, not 'quick'"):
        LocalModel("embedded:digits", decode_mode="quick")  # type: ignore[arg-type]


def test_candidate_labels_are_refused_by_a_model_that_is_not_zero_shot() -> None:
    with pytest.raises(ParameterError, match="candidateLabels .* is for image-classification"):
        LocalModel("embedded:digits", candidate_labels=["a cat", "a dog"])


def test_bytes_and_paths_give_the_same(model: LocalModel, digits: list[Path]) -> None:
    files = digits[:5]
    assert (model.logits(files) == model.logits([f.read_bytes() for f in files])).all()
    assert (model.logits(files) == model.logits([str(f) for f in files])).all()


def test_logits_have_a_row_for_each_image_in_order(model: LocalModel, digits: list[Path]) -> None:
    # More than one call to the JVM carries.
    truth = [int(file.parent.name) for file in digits]
    logits = model.logits(digits)
    assert logits.shape == (len(digits), 10) and logits.dtype == np.float32
    assert (logits.argmax(axis=1) == truth).mean() >= 0.97


def test_unreadable_image_raises_with_its_index_and_reason(model: LocalModel, digits: list[Path]) -> None:
    good = digits[0].read_bytes()
    with pytest.raises(ImageError, match="truncated|corrupt") as refused:
        model.logits([good, good[:60], good])
    assert refused.value.index == 1


def test_unreadable_image_gives_nan_when_asked(model: LocalModel, digits: list[Path]) -> None:
    images: list[ImageInput] = [digits[0], "/no/such/image.png", b"not an image", digits[1]]
    logits = model.logits(images, on_error="null")
    assert np.isnan(logits).all(axis=1).tolist() == [False, True, True, False]
    assert (logits[[0, 3]] == model.logits([digits[0], digits[1]])).all()


def test_no_images_give_no_rows(model: LocalModel) -> None:
    assert model.logits([]).shape == (0, 10)
    assert model.preprocess([]).shape == (0, 3, 32, 32)


def test_something_that_is_no_image_is_refused(model: LocalModel) -> None:
    with pytest.raises(ParameterError, match="An image is .*, not int: 3"):
        model.logits([3])  # type: ignore[list-item]


def test_images_and_arrays_give_what_their_file_gives(model: LocalModel, digits: list[Path]) -> None:
    image = Image.open(digits[0])
    kinds: list[ImageInput] = [
        digits[0].as_uri(),
        image,
        np.asarray(image.convert("L")),
        np.asarray(image.convert("RGB")),
    ]
    expected = model.preprocess(digits[0])
    assert expected.shape == (1, 3, 32, 32)
    assert all((model.preprocess(kind) == expected).all() for kind in kinds)


def test_predict_gives_labels_and_probabilities_best_first(model: LocalModel, digits: list[Path]) -> None:
    ((first, second),) = model.predict(digits[-1], top_k=2)
    logits = model.logits(digits[-1])[0].astype(np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum()
    assert first.label == digits[-1].parent.name and first.id == logits.argmax()
    assert [first.score, second.score] == pytest.approx(np.sort(probabilities)[:-3:-1], abs=1e-6)


def test_predict_gives_an_unreadable_image_no_labels_or_raises(model: LocalModel, digits: list[Path]) -> None:
    images: list[ImageInput] = [digits[0], b"not an image"]
    assert [len(labels) for labels in model.predict(images, on_error="null")] == [1, 0]
    with pytest.raises(ImageError) as refused:
        model.predict(images)
    assert refused.value.index == 1


def test_predict_refuses_no_labels_at_all(model: LocalModel, digits: list[Path]) -> None:
    with pytest.raises(ParameterError, match="top_k must be at least 1, not 0"):
        model.predict(digits[0], top_k=0)


def test_threads_share_one_model(model: LocalModel, digits: list[Path]) -> None:
    shares = [digits[start::8][:16] for start in range(8)]
    expected = [model.preprocess(share) for share in shares]
    truth = [[model.predict(file)[0][0].label for file in share] for share in shares]
    with ThreadPoolExecutor(8) as pool:
        tensors = list(pool.map(model.preprocess, shares))
        labels = list(pool.map(lambda share: [best[0].label for best in model.predict(share)], shares))
    assert all((ours == theirs).all() for ours, theirs in zip(tensors, expected, strict=True))
    assert labels == truth


@pytest.mark.parametrize("use", ["preprocess", "logits", "predict"])
def test_a_closed_model_refuses_every_use(use: str, digits: list[Path]) -> None:
    with LocalModel("embedded:digits") as closed:
        closed.logits(digits[0])
    with pytest.raises(ParameterError, match="closed; open it again"):
        getattr(closed, use)(digits[0])


def test_a_path_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ParameterError, match="/no/such/bundle: there is no such folder"):
        LocalModel("/no/such/bundle")


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=str(tmp_path)):
        LocalModel(tmp_path)


def test_results_are_independent_of_the_batch_size(model: LocalModel, digits: list[Path]) -> None:
    with LocalModel("embedded:digits", batch_size=3) as local:
        assert np.abs(local.logits(digits[:7]) - model.logits(digits[:7])).max() <= 1e-5


def test_a_batch_size_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ParameterError, match="batchSize"):
        LocalModel("embedded:digits", batch_size=0)


@pytest.mark.parametrize("setting", [{"threads": 1}, {"execution_provider": "cpu"}, {"execution_provider": "auto"}])
def test_threads_and_provider_do_not_change_the_numbers(
    setting: dict[str, Any], model: LocalModel, digits: list[Path]
) -> None:
    with LocalModel("embedded:digits", **setting) as local:
        assert np.abs(local.logits(digits[:7]) - model.logits(digits[:7])).max() <= 1e-5


@pytest.fixture(scope="module")
def multi_label(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits' bundle, as a model whose images may have several labels."""
    folder = tmp_path_factory.mktemp("multi-label") / "bundle"
    shutil.copytree(EMBEDDED_BUNDLE, folder)
    manifest = json.loads((folder / "sparkvision.json").read_text())
    (folder / "sparkvision.json").write_text(json.dumps(manifest | {"problemType": "multi_label_classification"}))
    return folder


@pytest.mark.parametrize("top_k", [None, 2])
def test_a_multi_label_model_gives_the_labels_from_the_threshold_on(
    top_k: int | None, multi_label: Path, digits: list[Path]
) -> None:
    with LocalModel(multi_label, threshold=0.01) as local:
        scores = 1 / (1 + np.exp(-local.logits(digits[:20]).astype(np.float64)))
        found = local.predict(digits[:20], top_k=top_k)
    expected = [[int(id) for id in np.argsort(-row) if row[id] >= 0.01][:top_k] for row in scores]
    assert [[label.id for label in labels] for labels in found] == expected
    assert max(map(len, expected)) > 1


def test_without_top_k_a_single_label_model_gives_its_best_label(model: LocalModel, digits: list[Path]) -> None:
    assert model.predict(digits[:3]) == model.predict(digits[:3], top_k=1)


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


def test_an_images_facts_win_over_a_class_of_the_same_name() -> None:
    best = [{"id": 0, "label": "width", "score": "0.5"}]
    (annotation,) = _annotations({"height": 2, "width": 3, "best": best}, "a.png")
    assert annotation.result == "width" and annotation.metadata["width"] == "3"
