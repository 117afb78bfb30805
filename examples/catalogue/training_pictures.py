"""The pictures that the catalogue's two models learn from: three photos, in many pieces and colours."""

from __future__ import annotations

import random

from pictures import ALTERATIONS, PHOTOS, mirrored
from PIL import Image


def training_photos() -> list[Image.Image]:
    """Give the pictures that the models learn from."""
    from sklearn.datasets import load_sample_images

    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    return [Image.open(PHOTOS / "painting_harvesters_bruegel.jpg").convert("RGB"), *photos]


def recoloured(picture: Image.Image, generator: random.Random) -> Image.Image:
    """Often change a picture's colours: three photos have few."""
    change = generator.random()
    if change < 0.2:
        return picture.convert("L").convert("RGB")
    if change < 0.6:
        channels = list(picture.split())
        generator.shuffle(channels)
        curves = [generator.uniform(0.5, 1.8) for _ in channels]
        table = [round(255 * (level / 255) ** curve) for curve in curves for level in range(256)]
        return Image.merge("RGB", channels).point(table)
    return picture


def window(photos: list[Image.Image], generator: random.Random) -> Image.Image:
    """Cut a window out of one of the photos, anywhere."""
    photo = generator.choice(photos)
    width, height = generator.randint(180, 420), generator.randint(180, 420)
    left, top = generator.randint(0, photo.width - width), generator.randint(0, photo.height - height)
    return recoloured(photo.crop((left, top, left + width, top + height)), generator)


def quarters(picture: Image.Image) -> list[Image.Image]:
    """Cut a window into four products that look alike."""
    x, y = picture.width // 2, picture.height // 2
    return [picture.crop((left, top, left + x, top + y)) for top in (0, y) for left in (0, x)]


def altered(product: Image.Image, generator: random.Random) -> Image.Image:
    """Alter a product in none, one or two ways."""
    for name in generator.sample(sorted(ALTERATIONS), generator.randrange(3)):
        product = ALTERATIONS[name](product, generator)
    return mirrored(product, generator) if generator.random() < 0.3 else product
