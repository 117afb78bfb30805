"""The engine's resize equals Pillow's, bit for bit, at any size."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from PIL import Image
from tests.engine.steps import resize

# The filters that image processors name. Pillow 13 has two more, which the engine refuses.
FILTERS = [Image.Resampling[name] for name in ("NEAREST", "LANCZOS", "BILINEAR", "BICUBIC", "BOX", "HAMMING")]

# Width and height before and after: a pixel, and what is far from square or far from the other size.
EXTREME = [
    ((1, 1), (1, 1)),
    ((1, 1), (500, 300)),
    ((1, 8192), (224, 224)),
    ((8192, 1), (224, 224)),
    ((1, 8192), (1, 3)),
    ((8192, 3), (8191, 2)),
    ((3, 2), (1, 4000)),
    ((70001, 2), (50, 3)),
    ((20, 2), (70001, 3)),
    ((257, 255), (256, 256)),
    ((2000, 1500), (1999, 1)),
    ((1500, 2000), (1, 1999)),
]


def require_equal(size: tuple[int, int], to: tuple[int, int], resample: Image.Resampling, seed: int) -> None:
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (size[1], size[0], 3), np.uint8)
    if seed % 3 == 0:  # hard edges make the filters overshoot
        pixels = np.where(pixels < 128, 0, 255).astype(np.uint8)
    ours = resize(pixels, to, resample)
    theirs = np.asarray(Image.fromarray(pixels).resize(to, resample))
    difference = np.abs(ours.astype(int) - theirs).max()
    assert difference == 0, f"{size} -> {to}: largest difference {difference}"


@pytest.mark.parametrize("resample", FILTERS, ids=lambda resample: resample.name)
def test_random_sizes(resample: Image.Resampling) -> None:
    rng = random.Random(2024 + resample)
    for seed in range(60):
        sides = [round(2 ** rng.uniform(0, 11 if seed % 10 == 0 else 8)) for _ in range(4)]
        require_equal((sides[0], sides[1]), (sides[2], sides[3]), resample, seed)
    print("\n60 resizes: largest difference 0")


@pytest.mark.parametrize("resample", FILTERS, ids=lambda resample: resample.name)
@pytest.mark.parametrize(("size", "to"), EXTREME)
def test_extreme_sizes(resample: Image.Resampling, size: tuple[int, int], to: tuple[int, int]) -> None:
    require_equal(size, to, resample, seed=3)


def test_the_largest_image() -> None:
    require_equal((8192, 8192), (256, 256), Image.Resampling.BICUBIC, seed=1)


@pytest.mark.parametrize(("resample", "mode"), [(2, "bilinear"), (3, "bicubic")])
def test_torchvision_backend_equals_torch(resample: int, mode: str) -> None:
    """Torchvision hands 8-bit images to this function of torch."""
    rng = random.Random(resample)
    sizes = [((5000, 40), (3, 35)), ((60, 60), (60, 20)), ((60, 60), (20, 60)), ((500, 375), (224, 224))]
    sides = [[rng.randint(2, 200) for _ in range(4)] for _ in range(60)]
    sizes += [((width, height), (to_width, to_height)) for width, height, to_width, to_height in sides]
    for seed, (size, to) in enumerate(sizes):
        generator = np.random.default_rng(seed)
        pixels = generator.integers(0, 256, (size[1], size[0], 3), np.uint8)
        tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        scaled = torch.nn.functional.interpolate(tensor, size=to[::-1], mode=mode, antialias=True)
        theirs = scaled[0].permute(1, 2, 0).numpy().astype(int)
        difference = np.abs(resize(pixels, to, resample, backend="torchvision") - theirs).max()
        assert difference == 0, f"{size} -> {to}: largest difference {difference}"
    print(f"\n{len(sizes)} resizes: largest difference 0")
