#!/usr/bin/env python3
"""Train the embedded default model, a small ViT on scikit-learn's handwritten digits, and export it as a bundle.

Writes the held-out fifth of the pictures as PNG files to tests/fixtures/digits/<label>/<index>.png, the bundle to
jvm/engine/src/main/resources/sparkvision/models/digits/, and the checkpoint it was exported from, which the tests
compare it with, to tests/fixtures/digits_checkpoint/. All are committed; run this only to change the model:

    python scripts/train_default_model.py
"""

from __future__ import annotations

import argparse
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "tests" / "fixtures" / "digits"
CHECKPOINT = ROOT / "tests" / "fixtures" / "digits_checkpoint"
BUNDLE = ROOT / "jvm" / "engine" / "src" / "main" / "resources" / "sparkvision" / "models" / "digits"

SEED = 0
# The data's 8x8 pixels are enlarged fourfold: a person can read them, and a ViT gets a few dozen patches.
SIDE = 32
EPOCHS = 60
BATCH = 64
LEARNING_RATE = 2e-3
REQUIRED_ACCURACY = 0.97


@dataclass(frozen=True)
class Digit:
    """One picture of a digit, its label, and its index in scikit-learn's data set."""

    index: int
    picture: Image
    label: int


def load_digits() -> tuple[list[Digit], list[Digit]]:
    """Give the training pictures and the held-out fifth, the same on every run."""
    import numpy as np
    from PIL import Image
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    data = datasets.load_digits()
    digits = []
    for index, (pixels, label) in enumerate(zip(data.images, data.target, strict=True)):
        # The data counts ink from 0 to 16 in each cell of its 8x8 grid.
        grey = Image.fromarray(np.round(pixels * (255 / 16)).astype(np.uint8))
        digits.append(Digit(index, grey.resize((SIDE, SIDE), Image.Resampling.BICUBIC), int(label)))
    labels = [digit.label for digit in digits]
    train, held_out = train_test_split(digits, test_size=0.2, random_state=SEED, stratify=labels)
    return train, held_out


def new_model() -> Any:
    """Give an untrained ViT of about 270,000 parameters: 4x4 patches of 8x8 pixels, four layers."""
    from transformers import ViTConfig, ViTForImageClassification

    names = [str(digit) for digit in range(10)]
    return ViTForImageClassification(
        ViTConfig(  # type: ignore[no-untyped-call]
            hidden_size=80,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=240,
            hidden_dropout_prob=0.1,
            image_size=SIDE,
            patch_size=8,
            id2label=dict(enumerate(names)),
            label2id={name: index for index, name in enumerate(names)},
        )
    )


def train(model: Any, processor: Any, digits: list[Digit]) -> None:
    """Train on the pictures, shifted, turned and scaled a little anew in every epoch, as a writer's hand would."""
    import torch

    generator = random.Random(SEED)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    steps = EPOCHS * -(-len(digits) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=LEARNING_RATE, total_steps=steps)
    model.train()
    for epoch in range(EPOCHS):
        shuffled = generator.sample(digits, len(digits))
        total = 0.0
        for start in range(0, len(shuffled), BATCH):
            batch = shuffled[start : start + BATCH]
            pixels = preprocess(processor, [vary(digit.picture, generator) for digit in batch])
            targets = torch.tensor([digit.label for digit in batch])
            loss = torch.nn.functional.cross_entropy(model(pixel_values=pixels).logits, targets, label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}/{EPOCHS}: loss {total / len(digits):.4f}")
    model.eval()


def vary(picture: Image, generator: random.Random) -> Image:
    """Shift by up to 4 pixels, turn by up to 12 degrees, scale by up to a tenth, on black ground."""
    from PIL import Image as Pictures

    angle, scale = generator.uniform(-12, 12), generator.uniform(0.9, 1.1)
    shift = (generator.uniform(-4, 4), generator.uniform(-4, 4))
    side = round(SIDE * scale)
    scaled = picture.resize((side, side), Pictures.Resampling.BILINEAR)
    ground = Pictures.new("L", (SIDE, SIDE))
    ground.paste(scaled, ((SIDE - side) // 2, (SIDE - side) // 2))
    return ground.rotate(angle, Pictures.Resampling.BILINEAR, translate=(round(shift[0]), round(shift[1])))


def preprocess(processor: Any, pictures: list[Image]) -> Tensor:
    """Preprocess as in use: RGB pictures through the very image processor that is saved with the model."""
    pixels: Tensor = processor(images=[picture.convert("RGB") for picture in pictures], return_tensors="pt")[
        "pixel_values"
    ]
    return pixels


def accuracy(model: Any, processor: Any, digits: list[Digit]) -> float:
    """Give the share of pictures whose label the model finds."""
    import torch

    with torch.no_grad():
        found = model(pixel_values=preprocess(processor, [digit.picture for digit in digits])).logits.argmax(-1)
    return float((found == torch.tensor([digit.label for digit in digits])).float().mean())


def write_pictures(digits: list[Digit]) -> None:
    """Write the held-out pictures as PNG files in a folder for each label, in place of those there."""
    for folder in PICTURES.glob("[0-9]"):
        shutil.rmtree(folder)
    for digit in digits:
        path = PICTURES / str(digit.label) / f"{digit.index:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        digit.picture.save(path, optimize=True)


def main() -> None:
    """Train, check the accuracy, and write pictures, checkpoint and bundle."""
    argparse.ArgumentParser(description="Train and export the embedded digits model.").parse_args()
    import torch
    from transformers import ViTImageProcessor

    from sparkvision.export import export

    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    # One thread adds in one order, whatever the machine; and batches this small are not faster on two.
    torch.set_num_threads(1)
    train_digits, held_out = load_digits()
    model = new_model()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"{parameters:,} parameters, {len(train_digits)} training pictures, {len(held_out)} held out")
    processor = ViTImageProcessor(size={"height": SIDE, "width": SIDE})
    start = time.monotonic()
    train(model, processor, train_digits)
    found = accuracy(model, processor, held_out)
    print(f"trained in {time.monotonic() - start:.0f} s; held-out accuracy {found:.2%}")
    if found < REQUIRED_ACCURACY:
        raise SystemExit(f"held-out accuracy {found:.2%} is below {REQUIRED_ACCURACY:.0%}; nothing was written")
    write_pictures(held_out)
    model.save_pretrained(CHECKPOINT)
    processor.save_pretrained(CHECKPOINT)
    export(str(CHECKPOINT), BUNDLE, images=PICTURES / "3")


if __name__ == "__main__":
    main()
