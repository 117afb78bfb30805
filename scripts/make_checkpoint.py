#!/usr/bin/env python3
"""Make an ordinary Hugging Face checkpoint folder with random weights from a fixed seed.

The checkpoint has the size of a published ViT or YOLOS. It serves tests, benchmarks and demonstrations on machines
without network, and goes through the same steps as a published checkpoint.

    scripts/make_checkpoint.py build/vit-base --size vit-base --labels 1000 --seed 0
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Width, layers, heads and inner width. ViT-B/16: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021, table 1;
# ViT-Ti/16 and ViT-S/16: Touvron et al., "Training data-efficient image transformers", 2021, table 1.
SIZES = {
    "vit-tiny": (192, 12, 3, 768),
    "vit-small": (384, 12, 6, 1536),
    "vit-base": (768, 12, 12, 3072),
}

# Shortest edge of the images, in pixels, for a YOLOS as deep and wide as a ViT-Ti (Fang et al., "You Only Look at One
# Sequence", 2021), and for a faster one.
YOLOS_SIZES = {"yolos-tiny": 512, "yolos-tiny-224": 224}


def make_checkpoint(
    out: Path, size: str = "vit-base", labels: int = 1000, seed: int = 0, image_size: int = 224, patch_size: int = 16
) -> Path:
    """Write config, weights and preprocessor_config.json of a ViT to a folder.

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
        Side of the square image and of a patch, in pixels.

    Returns
    -------
    Path
        The folder.
    """
    config = {**_layers(size), "image_size": image_size, "patch_size": patch_size}
    sizes = {"size": {"height": image_size, "width": image_size}}
    return write_checkpoint(out, "ViTForImageClassification", config, "ViTImageProcessor", sizes, labels, seed)


def make_yolos(out: Path, size: str, labels: int = 80, seed: int = 0) -> Path:
    """Write the checkpoint of a YOLOS with the width and depth of a ViT-Ti; ``size`` is one of `YOLOS_SIZES`."""
    shortest = YOLOS_SIZES[size]
    config = {**_layers("vit-tiny"), "image_size": [shortest, shortest * 4 // 48 * 16], "patch_size": 16}
    sizes = {"size": {"shortest_edge": shortest, "longest_edge": shortest * 1333 // 800}}
    return write_checkpoint(out, "YolosForObjectDetection", config, "YolosImageProcessor", sizes, labels, seed)


def _layers(size: str) -> dict[str, Any]:
    width, layers, heads, inner = SIZES[size]
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
    }


def write_checkpoint(
    folder: Path,
    architecture: str,
    config: Mapping[str, Any],
    processor: str,
    sizes: Mapping[str, Any],
    labels: int,
    seed: int,
    batch_variance: float = 1.0,
) -> Path:
    """Write the checkpoint of a model with random weights, and its image processor's settings.

    Parameters
    ----------
    folder : Path
        Made if needed.
    architecture, config
        The model's class in transformers, and what differs from the defaults of its configuration class.
    processor, sizes
        The class of the image processor, and its settings of size.
    labels : int
        Number of classes, named "class 0000", "class 0001" ...
    seed : int
        Seed of the weights.
    batch_variance : float
        See `spread_weights`.

    Returns
    -------
    Path
        The folder.
    """
    import torch
    import transformers

    names = [f"class {index:04d}" for index in range(labels)]
    label_settings = {
        "num_labels": labels,
        "id2label": dict(enumerate(names)),
        "label2id": {name: index for index, name in enumerate(names)},
    }
    model_class = getattr(transformers, architecture)
    torch.manual_seed(seed)
    model = model_class(model_class.config_class(**config, **label_settings))
    spread_weights(model, batch_variance)
    model.save_pretrained(folder)
    getattr(transformers, processor)(**sizes).save_pretrained(folder)
    return folder


def spread_weights(model: Any, batch_variance: float = 1.0) -> None:
    """Return a new model weights under which the result depends on the image, as it does in a trained model.

    Transformers' initial standard deviation of 0.02 leaves attention almost uniform and the logits of all images
    almost equal; agreement on those would prove little. Here every matrix keeps the variance of its input (deviation
    1/sqrt(inputs)), and the classifier, whose inputs are normalised, has three times that deviation: logits then have a
    deviation of about 3, the largest are above 10, and images differ by about 2. Wider queries and keys would not
    increase the differences between images, but multiply rounding errors by ten. Of the normalisations only the
    statistics of batch normalisations change, which an exporter folds into the convolutions before them: their
    variances lie around `batch_variance`. The queries of a DETR are so far apart that each looks at another part of the
    image.
    """
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() >= 2 and name.endswith("weight"):
                scale = 3.0 if "classifier" in name else 20.0 if "query_position" in name else 1.0
                parameter.normal_(0.0, scale * parameter[0].numel() ** -0.5)
            elif "norm" in name:
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
            else:
                parameter.normal_(0.0, 0.1)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0.0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5 * batch_variance, 1.5 * batch_variance)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Make a checkpoint folder with random weights.")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write")
    parser.add_argument(
        "--size", choices=sorted([*SIZES, *YOLOS_SIZES]), default="vit-base", help="default: %(default)s"
    )
    parser.add_argument("--labels", type=int, default=1000, help="number of classes (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    options = parser.parse_args()
    make = make_yolos if options.size in YOLOS_SIZES else make_checkpoint
    make(options.out, options.size, options.labels, options.seed)
    print(f"{options.out}: {options.size}, {options.labels} labels, seed {options.seed}")


if __name__ == "__main__":
    main()
