"""The training images of the two models: many pieces of three photos, in many colours."""

from __future__ import annotations

import random

from images import ALTERATIONS, PHOTOS, mirrored
from PIL import Image


def training_photos() -> list[Image.Image]:
    """Return the photos for the training."""
    from sklearn.datasets import load_sample_images

    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    return [Image.open(PHOTOS / "painting_harvesters_bruegel.jpg").convert("RGB"), *photos]


def recoloured(image: Image.Image, generator: random.Random) -> Image.Image:
    """Often change an image's colours: the three photos have few colours."""
    change = generator.random()
    if change < 0.2:
        return image.convert("L").convert("RGB")
    if change < 0.6:
        channels = list(image.split())
        generator.shuffle(channels)
        curves = [generator.uniform(0.5, 1.8) for _ in channels]
        table = [round(255 * (level / 255) ** curve) for curve in curves for level in range(256)]
        return Image.merge("RGB", channels).point(table)
    return image


def window(photos: list[Image.Image], generator: random.Random) -> Image.Image:
    """Crop a random window from one of the photos."""
    photo = generator.choice(photos)
    width, height = generator.randint(180, 420), generator.randint(180, 420)
    left, top = generator.randint(0, photo.width - width), generator.randint(0, photo.height - height)
    return recoloured(photo.crop((left, top, left + width, top + height)), generator)


def quarters(image: Image.Image) -> list[Image.Image]:
    """Cut a window into four similar products."""
    x, y = image.width // 2, image.height // 2
    return [image.crop((left, top, left + x, top + y)) for top in (0, y) for left in (0, x)]


def altered(product: Image.Image, generator: random.Random) -> Image.Image:
    """Apply up to two random alterations to a product."""
    for name in generator.sample(sorted(ALTERATIONS), generator.randrange(3)):
        product = ALTERATIONS[name](product, generator)
    return mirrored(product, generator) if generator.random() < 0.3 else product
