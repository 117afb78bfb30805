#!/usr/bin/env python3
"""Make an ordinary Hugging Face checkpoint folder of a ViT with random weights from a fixed seed.

For tests and demonstrations on machines without network: everything a real checkpoint goes through is gone through.

    scripts/make_checkpoint.py build/vit-base --size vit-base --labels 1000 --seed 0
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

# Width, layers, heads and inner width. ViT-B/16: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021, table 1;
# ViT-Ti/16 and ViT-S/16: Touvron et al., "Training data-efficient image transformers", 2021, table 1.
SIZES = {
    "vit-tiny": (192, 12, 3, 768),
    "vit-small": (384, 12, 6, 1536),
    "vit-base": (768, 12, 12, 3072),
}


def make_checkpoint(
    out: Path, size: str = "vit-base", labels: int = 1000, seed: int = 0, image_size: int = 224, patch_size: int = 16
) -> Path:
    """Write the checkpoint's config, weights and preprocessor_config.json to a folder.

    Parameters
    ----------
    out : Path
        The folder, made if needed.
    size : str
        One of `SIZES`.
    labels : int
        Number of classes, named "class 0000", "class 0001" ...
    seed : int
        Seed of the weights; the same seed and versions give the same weights.
    image_size, patch_size : int
        Side of the square picture and of a patch, in pixels.

    Returns
    -------
    Path
        The folder.
    """
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    names = [f"class {index:04d}" for index in range(labels)]
    width, layers, heads, inner = SIZES[size]
    config = ViTConfig(  # type: ignore[no-untyped-call]
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        image_size=image_size,
        patch_size=patch_size,
        id2label=dict(enumerate(names)),
        label2id={name: index for index, name in enumerate(names)},
    )
    torch.manual_seed(seed)
    model = ViTForImageClassification(config)
    spread_weights(model)
    model.save_pretrained(out)
    ViTImageProcessor(size={"height": image_size, "width": image_size}).save_pretrained(out)
    return out


def spread_weights(model: Any) -> None:
    """Give a fresh ViT weights under which pictures matter, as they do to a trained one.

    Transformers' initial standard deviation of 0.02 leaves attention almost uniform and the logits of all pictures
    almost equal; agreement on those would prove little. Here every matrix keeps its input's variance (deviation
    1/sqrt(inputs)), and the classifier, whose inputs are normalised, is three times that: logits then have a deviation
    of about 3, the largest are above 10, and pictures differ by about 2. Wider queries and keys would let pictures
    differ no more, but magnify rounding tenfold.
    """
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() >= 2 and name.endswith("weight"):
                scale = 3.0 if "classifier" in name else 1.0
                parameter.normal_(0.0, scale * parameter[0].numel() ** -0.5)
            elif "layernorm" not in name:
                parameter.normal_(0.0, 0.1)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Make a ViT checkpoint folder with random weights.")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write")
    parser.add_argument("--size", choices=sorted(SIZES), default="vit-base", help="default: %(default)s")
    parser.add_argument("--labels", type=int, default=1000, help="number of classes (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    options = parser.parse_args()
    make_checkpoint(options.out, options.size, options.labels, options.seed)
    print(f"{options.out}: {options.size}, {options.labels} labels, seed {options.seed}")


if __name__ == "__main__":
    main()
