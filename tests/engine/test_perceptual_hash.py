"""The engine's perceptual hashes equal imagehash's, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image
from tests.conftest import FIXTURES, SHARED_IMAGES
from tests.engine.steps import Pixels, scala_pixels
from tests.fixtures.make_references import decode

from sparkvision._engine.gateway import jvm

THEIRS = {"phash": imagehash.phash, "dhash": imagehash.dhash}

FOLDERS = [
    pytest.param(FIXTURES, id="committed"),
    pytest.param(
        SHARED_IMAGES,
        id="shared",
        marks=pytest.mark.skipif(not SHARED_IMAGES.exists(), reason="needs ../shared"),
    ),
]


def require_equal(images: Iterator[tuple[str, Pixels]]) -> int:
    """Compare every image; give their number."""
    count = 0
    for name, pixels in images:
        ours = scala_pixels(pixels)
        for algorithm, theirs in THEIRS.items():
            bits = jvm().sparkvision.image.hash.HashAlgorithm.parse(algorithm).hash(ours)
            assert f"{bits & (1 << 64) - 1:016x}" == str(theirs(Image.fromarray(pixels))), f"{name}: {algorithm}"
        count += 1
    print(f"\n{count} images, all bits equal")
    return count


def real_images(folder: Path) -> Iterator[tuple[str, Pixels]]:
    for file in sorted([*folder.glob("photos/*"), *folder.glob("formats/*")]):
        try:
            yield file.name, np.asarray(decode(file))
        except Exception:  # what Pillow does not read has no hash
            continue


def noise() -> Iterator[tuple[str, Pixels]]:
    for seed in range(150):
        generator = np.random.default_rng(seed)
        height, width = generator.integers(1, 150, 2)
        yield f"noise {seed}", generator.integers(0, 256, (height, width, 3), np.uint8)


def plain_images() -> Iterator[tuple[str, Pixels]]:
    """Images most of whose frequencies are zero but for rounding, which then decides their bits."""
    ramp = np.arange(64)
    for level in range(0, 256, 15):
        yield f"one colour {level}", np.full((40, 60, 3), level, np.uint8)
        stripes = np.where(ramp // (1 + level // 15) % 2, level, 255 - level).astype(np.uint8)
        for name, rows in (("stripes", stripes), ("ramp", (ramp * level // 64).astype(np.uint8))):
            image = np.broadcast_to(rows[None, :, None], (64, 64, 3)).copy()
            yield f"{name} {level}", image
            yield f"upright {name} {level}", image.transpose(1, 0, 2).copy()
            yield f"symmetric {name} {level}", np.minimum(image, image.transpose(1, 0, 2)).copy()


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_images_of_every_format(folder: Path) -> None:
    assert require_equal(real_images(folder)) > 40


def test_noise_of_random_sizes() -> None:
    require_equal(noise())


def test_plain_images() -> None:
    require_equal(plain_images())
