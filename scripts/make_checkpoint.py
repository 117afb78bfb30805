#!/usr/bin/env python3
"""Make an ordinary Hugging Face checkpoint folder with random weights from a fixed seed.

For tests and demonstrations on machines without network: everything a real checkpoint goes through is gone through.
A ViT is made in the sizes of its papers; of every architecture there is a tiny model, for tests.

    scripts/make_checkpoint.py build/vit-base --size vit-base --labels 1000 --seed 0
    scripts/make_checkpoint.py build/swin --architecture SwinForImageClassification --labels 5
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tiny_models import TINY_DETECTORS, TINY_MODELS, TinyModel

TINY = {**TINY_MODELS, **TINY_DETECTORS}

# Width, layers, heads and inner width. ViT-B/16: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021, table 1;
# ViT-Ti/16 and ViT-S/16: Touvron et al., "Training data-efficient image transformers", 2021, table 1.
SIZES = {
    "vit-tiny": (192, 12, 3, 768),
    "vit-small": (384, 12, 6, 1536),
    "vit-base": (768, 12, 12, 3072),
}

# Shortest edge in pixels of the pictures for a YOLOS as deep and wide as a ViT-Ti (Fang et al., "You Only Look at One
# Sequence", 2021), and for a quick one.
YOLOS_SIZES = {"yolos-tiny": 512, "yolos-tiny-224": 224}


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

    width, layers, heads, inner = SIZES[size]
    config = ViTConfig(  # type: ignore[no-untyped-call]
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        image_size=image_size,
        patch_size=patch_size,
        **_label_settings(labels),
    )
    torch.manual_seed(seed)
    model = ViTForImageClassification(config)
    spread_weights(model)
    model.save_pretrained(out)
    ViTImageProcessor(size={"height": image_size, "width": image_size}).save_pretrained(out)
    return out


def make(architecture: str, folder: Path, labels: int = 5, seed: int = 0) -> Path:
    """Write the checkpoint of a tiny model with its family's own image processor: a few hundred kilobytes.

    Parameters
    ----------
    architecture : str
        One of `TINY_MODELS` or `TINY_DETECTORS`, for example ``SwinForImageClassification``.
    folder : Path
        Made if needed.
    labels : int
        Number of classes, named "class 0000", "class 0001" ...
    seed : int
        Seed of the weights.

    Returns
    -------
    Path
        The folder.

    Examples
    --------
    >>> make("SwinForImageClassification", Path("build/swin"))  # doctest: +SKIP
    PosixPath('build/swin')
    """
    return _make(architecture, TINY[architecture], folder, labels, seed)


def make_yolos(folder: Path, size: str, labels: int = 80, seed: int = 0) -> Path:
    """Write the checkpoint of a YOLOS with the width and depth of a ViT-Ti.

    Parameters
    ----------
    folder : Path
        Made if needed.
    size : str
        One of `YOLOS_SIZES`.
    labels : int
        Number of classes, named "class 0000", "class 0001" ...
    seed : int
        Seed of the weights.

    Returns
    -------
    Path
        The folder.
    """
    width, layers, heads, inner = SIZES["vit-tiny"]
    shortest = YOLOS_SIZES[size]
    sizes = {"size": {"shortest_edge": shortest, "longest_edge": shortest * 1333 // 800}}
    config: dict[str, object] = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads}
    config |= {"intermediate_size": inner, "image_size": [shortest, shortest * 4 // 48 * 16], "patch_size": 16}
    yolos = TinyModel(config, "YolosImageProcessor", sizes)
    return _make("YolosForObjectDetection", yolos, folder, labels, seed)


def _make(architecture: str, tiny: TinyModel, folder: Path, labels: int, seed: int) -> Path:
    import torch
    import transformers

    model_class = getattr(transformers, architecture)
    config = model_class.config_class(**tiny.config, **_label_settings(labels))
    torch.manual_seed(seed)
    model = model_class(config)
    spread_weights(model, tiny.batch_variance)
    model.save_pretrained(folder)
    getattr(transformers, tiny.processor)(**tiny.sizes).save_pretrained(folder)
    return folder


def _label_settings(labels: int) -> dict[str, Any]:
    names = [f"class {index:04d}" for index in range(labels)]
    return {
        "num_labels": labels,
        "id2label": dict(enumerate(names)),
        "label2id": {name: index for index, name in enumerate(names)},
    }


def spread_weights(model: Any, batch_variance: float = 1.0) -> None:
    """Give a fresh model weights under which pictures matter, as they do to a trained one.

    Transformers' initial standard deviation of 0.02 leaves attention almost uniform and the logits of all pictures
    almost equal; agreement on those would prove little. Here every matrix keeps its input's variance (deviation
    1/sqrt(inputs)), and the classifier, whose inputs are normalised, is three times that: logits then have a deviation
    of about 3, the largest are above 10, and pictures differ by about 2. Wider queries and keys would let pictures
    differ no more, but magnify rounding tenfold. Normalisations change nothing but by the statistics of those over
    batches, which an exporter folds into the convolutions before them: their variances lie around `batch_variance`.
    A DETR's queries are so far apart that each looks at another part of the picture.
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
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Make a checkpoint folder with random weights.")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write")
    model = parser.add_mutually_exclusive_group()
    sizes = sorted([*SIZES, *YOLOS_SIZES])
    model.add_argument("--size", choices=sizes, default="vit-base", help="of a ViT or YOLOS (default: %(default)s)")
    model.add_argument(
        "--architecture", choices=sorted([*TINY_MODELS, *TINY_DETECTORS]), metavar="NAME", help="a tiny model instead"
    )
    parser.add_argument("--labels", type=int, default=1000, help="number of classes (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    options = parser.parse_args()
    if options.architecture:
        make(options.architecture, options.out, options.labels, options.seed)
    elif options.size in YOLOS_SIZES:
        make_yolos(options.out, options.size, options.labels, options.seed)
    else:
        make_checkpoint(options.out, options.size, options.labels, options.seed)
    print(f"{options.out}: {options.architecture or options.size}, {options.labels} labels, seed {options.seed}")


if __name__ == "__main__":
    main()
