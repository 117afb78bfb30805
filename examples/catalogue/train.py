#!/usr/bin/env python3
"""Train and export the models of the catalogue example: a YOLOS that detects products, and a ViT for embeddings.

Both models are small. They are trained on three images that are not in the catalogue: a public-domain painting from
tests/fixtures/photos, and the two sample photos of scikit-learn. The pages and alterations are generated as in the
catalogue (images.py). The exported bundles are in models/. To train them again (about twenty minutes), run

    python examples/catalogue/train.py [--only detector|embedder]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from images import Product, compose, look_alike
from PIL import Image
from training_images import altered, quarters, training_photos, window

if TYPE_CHECKING:
    from torch import Tensor

MODELS = Path(__file__).resolve().parent / "models"
SEED = 0

# The side of a page in pixels for the detector, and the largest number of products that the detector finds on a page.
PAGE_SIDE = 128
MOST_PRODUCTS = 2
TRAINING_PAGES = 8000
DETECTOR_EPOCHS = 36

PRODUCT_SIDE = 64
TRAINING_PRODUCTS = 12000
# The number of products in a group of similar products.
LOOK_ALIKES = 8
EMBEDDER_EPOCHS = 15
TEMPERATURE = 0.07


def batches(count: int, size: int, epochs: int) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the numbers below ``count`` in batches, in a new order in every epoch."""
    order = np.random.default_rng(SEED)
    for _ in range(epochs):
        shuffled = order.permutation(count)
        yield from (shuffled[start : start + size] for start in range(0, count - size + 1, size))


def train(model: Any, loss_of: Any, count: int, size: int, epochs: int, learning_rate: float) -> None:
    """Minimise ``loss_of(numbers of examples)`` over the model's weights."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.02)
    steps = count // size * epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=learning_rate, total_steps=steps, pct_start=0.1)
    model.train()
    start, total = time.monotonic(), 0.0
    for step, numbers in enumerate(batches(count, size, epochs), start=1):
        loss = loss_of(torch.from_numpy(numbers))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % (steps // 10) == 0:
            print(
                f"step {step}/{steps}: loss {total / (steps // 10):.4f}, {time.monotonic() - start:.0f} s", flush=True
            )
            total = 0.0
    model.eval()


def new_detector() -> tuple[Any, Any]:
    """Return an untrained YOLOS for one class, and its image processor."""
    import torch
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

    config = YolosConfig(  # type: ignore[no-untyped-call]
        hidden_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=192,
        image_size=[PAGE_SIDE, PAGE_SIDE],
        patch_size=16,
        num_detection_tokens=MOST_PRODUCTS,
        use_mid_position_embeddings=False,
        hidden_dropout_prob=0.0,
        id2label={0: "product"},
        label2id={"product": 0},
    )
    model = YolosForObjectDetection(config)
    # transformers initialises these embeddings with zeros. Equal tokens would need most of a short training to diverge.
    embeddings = model.vit.embeddings
    torch.nn.init.normal_(embeddings.detection_tokens, std=0.5)
    embeddings.position_embeddings.data[0, 1:-MOST_PRODUCTS] = places(
        PAGE_SIDE // config.patch_size, config.hidden_size
    )
    processor = YolosImageProcessor(size={"height": PAGE_SIDE, "width": PAGE_SIDE}, do_pad=False)
    return model, processor


def places(side: int, width: int) -> Tensor:
    """Return sinusoidal position embeddings of a grid, from which boxes can be predicted."""
    import torch

    frequencies = torch.pi * torch.arange(1, width // 4 + 1) / 4
    angles = (torch.arange(side) + 0.5)[:, None] / side * frequencies
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)
    return torch.cat([waves.repeat_interleave(side, 0), waves.repeat(side, 1)], dim=1)


def training_pages(photos: list[Image.Image]) -> tuple[np.ndarray[Any, Any], Tensor, Tensor]:
    """Return pages, their boxes (centre and size relative to the page), and which of the boxes are present."""
    import torch

    generator = random.Random(SEED)
    pages = np.empty((TRAINING_PAGES, PAGE_SIDE, PAGE_SIDE, 3), np.uint8)
    boxes = torch.zeros(TRAINING_PAGES, MOST_PRODUCTS, 4)
    present = torch.zeros(TRAINING_PAGES, MOST_PRODUCTS, dtype=torch.bool)
    for number in range(TRAINING_PAGES):
        products = [
            Product("", "", altered(generator.choice(quarters(window(photos, generator))), generator))
            for _ in range(generator.choice([1, 1, 2]))
        ]
        page, shown = compose(products, generator.randrange(10**9), generator)
        pages[number] = page.resize((PAGE_SIDE, PAGE_SIDE), Image.Resampling.BILINEAR)
        for place, each in enumerate(shown):
            left, top, right, bottom = each.box
            centre = ((left + right) / 2 / page.width, (top + bottom) / 2 / page.height)
            boxes[number, place] = torch.tensor([*centre, (right - left) / page.width, (bottom - top) / page.height])
            present[number, place] = True
    return pages, boxes, present


def train_detector(model: Any, processor: Any, photos: list[Image.Image]) -> None:
    """Train the detector on pages and the boxes of their products."""
    import torch

    pages, boxes, present = training_pages(photos)
    # This head is used in the training only. Each patch predicts whether it is in a product, and the box of the
    # product. The patches then learn early what the detection tokens need.
    patch_head = torch.nn.Linear(model.config.hidden_size, 5)

    def loss_of(numbers: Tensor) -> Tensor:
        pixels, there, wanted = normalised(pages[numbers.numpy()], processor), present[numbers], boxes[numbers]
        if torch.rand(()) < 0.5:  # also train on mirrored pages
            pixels, wanted = pixels.flip(-1), torch.cat([1 - wanted[..., :1], wanted[..., 1:]], dim=-1)
        found = model(pixel_values=pixels)
        patches = patch_head(found.last_hidden_state[:, 1:-MOST_PRODUCTS])
        return token_loss(found, there, wanted) + patch_loss(patches, there, wanted)

    model.patch_head = patch_head
    train(model, loss_of, TRAINING_PAGES, 32, DETECTOR_EPOCHS, 1.5e-3)
    del model.patch_head


def normalised(images: np.ndarray[Any, Any], processor: Any) -> Tensor:
    """Return normalised pixels of images (n, height, width, 3)."""
    import torch

    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (processor.image_mean, processor.image_std))
    return (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean) / std


def token_loss(found: Any, there: Tensor, wanted: Tensor) -> Tensor:
    """Return the loss of the detection tokens for the better assignment of the two tokens to the two products."""
    import torch

    losses = []
    for order in ([0, 1], [1, 0]):
        # Class 0 is the product, and the last class is "no object".
        classes = (~there[:, order]).long()
        named = torch.nn.functional.cross_entropy(found.logits.transpose(1, 2), classes, reduction="none")
        losses.append((named + there[:, order] * box_loss(found.pred_boxes, wanted[:, order])).sum(1))
    return torch.minimum(*losses).mean()


def patch_loss(patches: Tensor, there: Tensor, wanted: Tensor) -> Tensor:
    """Return the loss of the patches: whether the centre of a patch is in a product, and in which box."""
    import torch

    side = round(patches.shape[1] ** 0.5)
    grid = (torch.arange(side) + 0.5) / side
    centres = torch.stack([grid.repeat(side), grid.repeat_interleave(side)], dim=-1)
    # Shape: products by patches.
    offset = (centres[None, None] - wanted[:, :, None, :2]).abs()
    inside = (offset <= wanted[:, :, None, 2:] / 2).all(-1) & there[:, :, None]
    covered = torch.nn.functional.binary_cross_entropy_with_logits(patches[..., 0], inside.any(1).float())
    of_patch = box_loss(patches[:, None, :, 1:].sigmoid(), wanted[:, :, None])
    return 5 * covered + (of_patch * inside).sum() / inside.sum()


def box_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Return the loss of DETR for each box (centre and size): the L1 distance and the generalised IoU."""
    import torch

    low = [boxes[..., :2] - boxes[..., 2:] / 2 for boxes in (found, wanted)]
    high = [boxes[..., :2] + boxes[..., 2:] / 2 for boxes in (found, wanted)]
    common = (torch.minimum(*high) - torch.maximum(*low)).clamp(min=0).prod(-1)
    around = (torch.maximum(*high) - torch.minimum(*low)).prod(-1)
    union = found[..., 2:].prod(-1) + wanted[..., 2:].prod(-1) - common
    overlap = common / union.clamp(min=1e-9) - (around - union) / around.clamp(min=1e-9)
    return 5 * (found - wanted).abs().sum(-1) + 2 * (1 - overlap)


def new_embedder() -> tuple[Any, Any]:
    """Return an untrained ViT without a head, and its image processor."""
    from transformers import ViTConfig, ViTImageProcessor, ViTModel

    config = ViTConfig(  # type: ignore[no-untyped-call]
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=192,
        image_size=PRODUCT_SIDE,
        patch_size=8,
        hidden_dropout_prob=0.0,
    )
    processor = ViTImageProcessor(size={"height": PRODUCT_SIDE, "width": PRODUCT_SIDE})
    return ViTModel(config, add_pooling_layer=False), processor


def as_found(product: Image.Image, generator: random.Random) -> np.ndarray[Any, Any]:
    """Return the pixels of a product as a detector would crop them, with slightly inexact edges."""
    page, shown = compose([Product("", "", product)], generator.randrange(10**9), generator)
    left, top, right, bottom = shown[0].box
    slack = 0.1
    cut = (
        max(0, left + generator.uniform(-slack, slack) * (right - left)),
        max(0, top + generator.uniform(-slack, slack) * (bottom - top)),
        min(page.width, right + generator.uniform(-slack, slack) * (right - left)),
        min(page.height, bottom + generator.uniform(-slack, slack) * (bottom - top)),
    )
    return np.asarray(page.resize((PRODUCT_SIDE, PRODUCT_SIDE), Image.Resampling.BILINEAR, box=cut))


def train_embedder(model: Any, processor: Any, photos: list[Image.Image]) -> None:
    """Train the embedder to match two alterations of a product among similar products."""
    import torch

    generator = random.Random(SEED)
    views = np.empty((TRAINING_PRODUCTS, 2, PRODUCT_SIDE, PRODUCT_SIDE, 3), np.uint8)
    for first in range(0, TRAINING_PRODUCTS, LOOK_ALIKES):
        # A group contains the parts of one window, and parts of other windows with the same colours.
        known = quarters(window(photos, generator))
        strangers = [look_alike(each, generator.choice(known)) for each in quarters(window(photos, generator))]
        for place, product in enumerate(known + strangers):
            for view in range(2):
                views[first + place, view] = as_found(altered(product, generator), generator)

    def loss_of(groups: Tensor) -> Tensor:
        images = views.reshape(-1, LOOK_ALIKES, *views.shape[1:])[groups.numpy()].reshape(-1, *views.shape[2:])
        embeddings = model(pixel_values=normalised(images, processor)).last_hidden_state.mean(1)
        # The loss of SimCLR (Chen et al. 2020): the other view of the same product must be the most similar view.
        similarity = torch.nn.functional.normalize(embeddings) @ torch.nn.functional.normalize(embeddings).T
        others = similarity / TEMPERATURE - 1e9 * torch.eye(len(similarity))
        same = torch.arange(len(similarity)) ^ 1
        return torch.nn.functional.cross_entropy(others, same)

    train(model, loss_of, TRAINING_PRODUCTS // LOOK_ALIKES, 8, EMBEDDER_EPOCHS, 2e-3)


def main() -> None:
    """Train and export the models."""
    parser = argparse.ArgumentParser(description="Train and export the two models of the catalogue example.")
    parser.add_argument("--only", choices=["detector", "embedder"])
    only = parser.parse_args().only
    import torch

    from sparkvision.export import export

    torch.use_deterministic_algorithms(True)
    # With one thread, sums have the same order on every machine.
    torch.set_num_threads(1)
    photos = training_photos()
    for name, task, new, learn in (
        ("detector", "object-detection", new_detector, train_detector),
        ("embedder", "feature-extraction", new_embedder, train_embedder),
    ):
        if only in (None, name):
            torch.manual_seed(SEED)
            model, processor = new()
            print(f"{name}: {sum(parameter.numel() for parameter in model.parameters()):,} parameters")
            learn(model, processor, photos)
            with tempfile.TemporaryDirectory() as checkpoint:
                model.save_pretrained(checkpoint)
                processor.save_pretrained(checkpoint)
                export(checkpoint, MODELS / name, task=task)


if __name__ == "__main__":
    main()
