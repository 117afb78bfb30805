"""Random settings of image processors, as `preprocessor_config.json` holds them."""

from __future__ import annotations

import random
from typing import Any


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
    side = rng.choice([16, 32, 48, rng.randint(1, 80)])
    size = {"height": side, "width": side if rng.random() < 0.7 else rng.randint(1, 80)}
    config: dict[str, Any] = {"image_processor_type": "ViTImageProcessor", "size": size}
    config["resample"] = rng.randint(0, 5)
    if rng.random() < 0.2:
        config["do_rescale"] = False
    elif rng.random() < 0.2:
        config["rescale_factor"] = rng.choice([1 / 127.5, 0.00392156862745098, 1.0])
    if rng.random() < 0.2:
        config["do_normalize"] = False
    else:
        config["image_mean"] = [rng.uniform(0, 1) for _ in range(3)]
        config["image_std"] = [rng.uniform(0.1, 1) for _ in range(3)]
    return config
