"""The model's input equals that of transformers' slow processors, bit for bit."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image, ImageOps
from tests.engine.steps import Pixels, preprocess
from tests.parity.random_processors import PROCESSORS

# Settings as published checkpoints have them, and as transformers takes them.
VARIATIONS: list[tuple[str, dict[str, Any]]] = [
    ("BeitImageProcessor", {"do_center_crop": False, "size": 224, "do_reduce_labels": True}),
    ("BeitImageProcessor", {"do_resize": False, "crop_size": 384}),
    ("BitImageProcessor", {"size": {"shortest_edge": 256}, "image_mean": [0.485, 0.456, 0.406]}),
    ("BitImageProcessor", {"size": {"height": 100, "width": 90}, "crop_size": {"height": 64, "width": 80}}),
    ("BitImageProcessor", {"size": {"shortest_edge": 50, "longest_edge": 60}, "crop_size": 40}),
    ("BitImageProcessor", {"size": 45, "crop_size": [61, 60]}),
    ("CLIPImageProcessor", {"size": 97, "crop_size": 97, "do_convert_rgb": None}),
    ("CLIPImageProcessor", {"do_resize": False, "crop_size": {"height": 31, "width": 300}}),
    ("CLIPImageProcessor", {"do_center_crop": False, "size": [40, 60]}),
    ("ConvNextImageProcessor", {"size": 224, "crop_pct": 0.875, "resample": 3}),
    ("ConvNextImageProcessor", {"size": {"shortest_edge": 383}, "crop_pct": 0.95}),
    ("ConvNextImageProcessor", {"size": {"shortest_edge": 30}, "crop_pct": 1.1}),
    ("ConvNextImageProcessor", {"size": {"shortest_edge": 20, "longest_edge": 25}}),
    ("DeiTImageProcessor", {"size": {"height": 60, "width": 90}, "crop_size": {"height": 75, "width": 75}}),
    ("EfficientFormerImageProcessor", {"size": {"shortest_edge": 70}, "crop_size": 64}),
    ("EfficientNetImageProcessor", {"rescale_factor": 1 / 127.5, "rescale_offset": True, "include_top": False}),
    ("EfficientNetImageProcessor", {"do_center_crop": True, "image_std": [0.47853944, 0.4732864, 0.47434163]}),
    ("EfficientNetImageProcessor", {"do_normalize": False, "do_rescale": False, "rescale_offset": True}),
    ("LevitImageProcessor", {"size": {"shortest_edge": 99}, "crop_size": 100}),
    ("LevitImageProcessor", {"size": {"height": 33, "width": 44}}),
    ("MobileViTImageProcessor", {"size": 288, "crop_size": 256, "do_flip_channel_order": False}),
    ("MobileViTImageProcessor", {"do_rescale": False, "size": {"shortest_edge": 40}, "crop_size": 50}),
    ("PoolFormerImageProcessor", {"crop_pct": 0.95, "size": 128, "crop_size": 128}),
    ("PoolFormerImageProcessor", {"crop_pct": None, "size": {"shortest_edge": 60}, "crop_size": 70}),
    ("PoolFormerImageProcessor", {"size": {"height": 50, "width": 70}, "crop_size": 60}),
    ("PoolFormerImageProcessor", {"size": {"height": 50, "width": 50}, "crop_size": 60}),
    ("PvtImageProcessor", {"size": 64, "resample": 1, "image_mean": 0.4, "image_std": 0.3}),
    ("SiglipImageProcessor", {"size": {"height": 384, "width": 384}, "resample": 5}),
    ("ViTImageProcessor", {"size": {"height": 96, "width": 160}, "resample": 4, "rescale_factor": 1 / 127}),
    ("ViTImageProcessor", {"size": 32, "do_normalize": False, "resample": 0}),
]

# Height and width: a pixel, sides that transformers takes for the channels, odd, flat, tall, smaller than any crop.
AWKWARD = [(1, 1), (1, 3), (3, 1), (3, 3), (1, 30), (50, 3), (2, 2), (37, 53), (223, 225), (225, 223), (20, 90)]


def slow_class(name: str) -> Any:
    return getattr(transformers, name)


def saved(processor: Any, folder: Path) -> dict[str, Any]:
    """What transformers writes for a processor."""
    processor.save_pretrained(folder)
    config: dict[str, Any] = json.loads((folder / "preprocessor_config.json").read_text())
    return config


def reference(processor: Any, images: list[Pixels]) -> np.ndarray:
    """The slow processor's own numbers, told that images are height x width x channels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = [
            processor(image, input_data_format="channels_last", return_tensors="np")["pixel_values"][0]
            for image in images
        ]
    return np.stack(inputs).astype(np.float32)


@pytest.fixture(scope="module")
def photo_pixels(photos: list[Path]) -> list[Pixels]:
    return [np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB")) for path in photos]


@pytest.fixture(scope="module")
def awkward_pixels() -> list[Pixels]:
    generator = np.random.default_rng(7)
    return [generator.integers(0, 256, (height, width, 3), np.uint8) for height, width in AWKWARD]


def require_equal(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape
    print(f"\n{len(ours)} images: largest difference {np.abs(ours - theirs).max():g}")
    assert (ours == theirs).all()


@pytest.mark.parametrize("name", PROCESSORS)
def test_default_processor_gives_the_same_input(
    name: str, photo_pixels: list[Pixels], awkward_pixels: list[Pixels], tmp_path: Path
) -> None:
    processor = slow_class(name)()
    expected = reference(processor, photo_pixels + awkward_pixels)
    require_equal(preprocess(saved(processor, tmp_path), photo_pixels + awkward_pixels), expected)
    # The same without a word in the file: each has its own defaults.
    require_equal(preprocess({"image_processor_type": name}, awkward_pixels), expected[len(photo_pixels) :])


@pytest.mark.parametrize(("name", "settings"), VARIATIONS)
def test_processor_with_other_settings_gives_the_same_input(
    name: str, settings: dict[str, Any], photo_pixels: list[Pixels], awkward_pixels: list[Pixels], tmp_path: Path
) -> None:
    processor = slow_class(name)(**settings)
    images = photo_pixels[:2] + awkward_pixels
    expected = reference(processor, images)
    require_equal(preprocess(saved(processor, tmp_path), images), expected)
    # Settings as people wrote them, under the old name and under that of the fast twin.
    for written in (
        {"feature_extractor_type": name.replace("ImageProcessor", "FeatureExtractor")},
        {"image_processor_type": name + "Fast"},
    ):
        require_equal(preprocess(written | settings, awkward_pixels[:5]), expected[2:7])
