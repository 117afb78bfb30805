"""Random settings of image processors, as `preprocessor_config.json` holds them."""

from __future__ import annotations

import random
from typing import Any

# By what their `size` may be: two sides, a shortest edge too, or only that.
BY_SIDES = [
    "BeitImageProcessor",
    "DeiTImageProcessor",
    "EfficientNetImageProcessor",
    "PvtImageProcessor",
    "SegformerImageProcessor",
    "SiglipImageProcessor",
    "ViTImageProcessor",
]
BY_SIDES_OR_EDGE = [
    "BitImageProcessor",
    "CLIPImageProcessor",
    "EfficientFormerImageProcessor",
    "LevitImageProcessor",
    "MobileNetV1ImageProcessor",
    "MobileNetV2ImageProcessor",
    "MobileViTImageProcessor",
    "PoolFormerImageProcessor",
    "ViTHybridImageProcessor",
]
BY_EDGE = ["ConvNextImageProcessor"]
PROCESSORS = BY_SIDES + BY_SIDES_OR_EDGE + BY_EDGE

WITHOUT_CROP = ["ConvNextImageProcessor", "PvtImageProcessor", "SegformerImageProcessor", "SiglipImageProcessor"]
WITHOUT_CROP += ["ViTImageProcessor"]


def random_processor(rng: random.Random) -> dict[str, Any]:
    """Draw the settings of an image processor that SparkVision supports.

    Parameters
    ----------
    rng : random.Random
        Where chance comes from: the same state gives the same settings.

    Returns
    -------
    dict
        With ``image_processor_type``, the name of the class in transformers that takes the rest as its arguments.
    """
    name = rng.choice(PROCESSORS)
    by_edge = name in BY_EDGE or name in BY_SIDES_OR_EDGE and rng.random() < 0.5
    size = {"shortest_edge": rng.randint(1, 80)} if by_edge else _sides(rng)
    config: dict[str, Any] = {"image_processor_type": name, "size": size, "resample": rng.randint(0, 5)}
    if name not in WITHOUT_CROP:
        # By the shortest edge alone images would have different sizes; PoolFormer takes a square for one.
        crops = by_edge or name == "PoolFormerImageProcessor" or rng.random() < 0.7
        config |= {"do_center_crop": crops, "crop_size": _sides(rng)}
    if name in ("ConvNextImageProcessor", "PoolFormerImageProcessor"):
        config["crop_pct"] = rng.choice([0.875, 0.9, 0.95, 1.0])
    if name == "EfficientNetImageProcessor":
        config |= {key: rng.random() < 0.5 for key in ("rescale_offset", "include_top")}
    if name == "MobileViTImageProcessor":
        config["do_flip_channel_order"] = rng.random() < 0.5
    return config | _values(rng, normalizes=name != "MobileViTImageProcessor")


def _sides(rng: random.Random) -> dict[str, int]:
    side = rng.choice([16, 32, 48, rng.randint(1, 80)])
    return {"height": side, "width": side if rng.random() < 0.7 else rng.randint(1, 80)}


def _values(rng: random.Random, normalizes: bool) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if rng.random() < 0.2:
        values["do_rescale"] = False
    elif rng.random() < 0.2:
        values["rescale_factor"] = rng.choice([1 / 127.5, 0.00392156862745098, 1.0])
    if normalizes and rng.random() < 0.2:
        values["do_normalize"] = False
    elif normalizes:
        values["image_mean"] = [rng.uniform(0, 1) for _ in range(3)]
        values["image_std"] = [rng.uniform(0.1, 1) for _ in range(3)]
    return values
