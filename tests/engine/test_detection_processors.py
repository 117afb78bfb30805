"""What a detection model is fed equals what transformers' slow processors make, bit for bit."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image
from tests.parity.two_decoders import Refused, engine_input
from transformers.models.detr import image_processing_detr
from transformers.models.yolos import image_processing_yolos

from sparkvision._engine.gateway import jvm

SIZES = {"DetrImageProcessor": image_processing_detr, "YolosImageProcessor": image_processing_yolos}
SETTINGS: list[dict[str, Any]] = [
    {"size": {"shortest_edge": 96, "longest_edge": 160}},
    {"size": {"shortest_edge": 96, "longest_edge": 160}, "do_normalize": False, "resample": 3},
    {"size": {"height": 61, "width": 90}},
    {"size": {"max_height": 70, "max_width": 50}, "image_mean": [0.1, 0.2, 0.3]},
    # As files of before transformers 4.26 have it.
    {"size": 80, "max_size": 133},
    {"size": 80},
]
# Height and width: flat, tall, odd, square, and already of the size that is asked for.
IMAGES = [(40, 120), (300, 80), (53, 37), (160, 160), (96, 128), (128, 96), (2, 3), (97, 161)]


def encoded(height: int, width: int) -> bytes:
    pixels = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def transformers_input(processor: Any, data: bytes) -> np.ndarray | None:
    """Transformers' numbers, or None where it fails: Pillow makes no image without pixels."""
    image = Image.open(io.BytesIO(data))
    try:
        made = processor(image, input_data_format="channels_last", return_tensors="np")
    except ValueError:
        return None
    return np.asarray(made["pixel_values"][0], dtype=np.float32)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("settings", SETTINGS)
def test_the_processor_gives_the_same_input(name: str, settings: dict[str, Any]) -> None:
    processor = getattr(transformers, name)(**settings)
    images = [encoded(*size) for size in IMAGES]
    for image, ours in zip(images, engine_input({"image_processor_type": name} | settings, images), strict=True):
        theirs = transformers_input(processor, image)
        if theirs is None:
            assert isinstance(ours, Refused)
        else:
            assert not isinstance(ours, Refused)
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", SIZES)
def test_the_default_processor_gives_the_same_input_for_a_photo(name: str, photos: list[Path], tmp_path: Path) -> None:
    processor = getattr(transformers, name)()
    processor.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "preprocessor_config.json").read_text())
    photo = next(path for path in photos if path.name.startswith("cat")).read_bytes()
    (ours,) = engine_input(config, [photo])
    np.testing.assert_array_equal(ours, transformers_input(processor, photo))


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_rounded_as_transformers_rounds_them(name: str) -> None:
    draw = random.Random(0)
    image = jvm().sparkvision.image
    for shortest, longest in [(800, 1333), (512, 864), (97, 101), (600, 400)]:
        size = {"shortest_edge": shortest, "longest_edge": longest}
        config = json.dumps({"image_processor_type": name, "size": size})
        rule = image.preprocess.ProcessorConfig.parse(config).resize()
        images = [(draw.randint(1, 3000), draw.randint(1, 3000)) for _ in range(250)]
        images += [(shortest, draw.randint(1, 2000)) for _ in range(10)]
        images += [(draw.randint(1, 2000), shortest) for _ in range(10)] + [(1, longest * 2), (longest * 2, 1)]
        for size_of_image in images:
            ours = rule.target(image.PixelSize(*size_of_image))
            theirs = SIZES[name].get_size_with_aspect_ratio(size_of_image, shortest, longest)
            assert (ours.height(), ours.width()) == tuple(int(side) for side in theirs), (size_of_image, size)


def test_an_image_too_long_and_narrow_has_a_reason() -> None:
    (refused,) = engine_input({"image_processor_type": "DetrImageProcessor"}, [encoded(1, 5000)])
    assert isinstance(refused, Refused) and "too long and narrow" in str(refused)


def test_an_image_larger_than_what_it_is_padded_to_has_a_reason() -> None:
    config = {"image_processor_type": "DetrImageProcessor", "pad_size": {"height": 800, "width": 900}}
    small, large = engine_input(config, [encoded(80, 80), encoded(80, 160)])
    assert not isinstance(small, Refused)
    assert isinstance(large, Refused) and "larger than pad_size, 800 x 900" in str(large)
