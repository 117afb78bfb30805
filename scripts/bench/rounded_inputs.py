"""How far a ViT's logits move when the inputs of its matrix products are rounded, as bf16 and TF32 round them.

oneDNN rounds to bfloat16 (8 bits of mantissa) only on a CPU with AMX, and CUDA to TF32 (11 bits) only on a GPU. The
rounding itself needs neither: here torch rounds both inputs of every linear layer, convolution and matrix product, and
adds up in float32. Prints a JSON line for each model: the largest difference from the logits without rounding, as a
share of the largest logit. The tolerances of onednnFpMath=bf16 and cudaTf32 are chosen by it.

Usage: scripts/bench/rounded_inputs [--pictures FOLDER] [--size vit-tiny --size vit-base]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import ViTForImageClassification, ViTImageProcessor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from make_checkpoint import make_checkpoint  # noqa: E402

PHOTOS = ROOT / "tests" / "fixtures" / "photos"
DIGITS = ROOT / "tests" / "fixtures" / "digits_checkpoint"
TF32_DROPPED_BITS = 13

Rounding = Callable[[torch.Tensor], torch.Tensor]


def to_bf16(values: torch.Tensor) -> torch.Tensor:
    """Round to the nearest bfloat16."""
    return values.to(torch.bfloat16).to(torch.float32)


def to_tf32(values: torch.Tensor) -> torch.Tensor:
    """Round to the nearest TF32: a float32 without its last 13 bits."""
    bits = values.contiguous().view(torch.int32) + (1 << (TF32_DROPPED_BITS - 1))
    return (bits >> TF32_DROPPED_BITS << TF32_DROPPED_BITS).view(torch.float32)


@contextmanager
def rounded(rounding: Rounding) -> Iterator[None]:
    """Round both inputs of all that multiplies matrices."""
    places: list[tuple[Any, str]] = [(torch.nn.functional, "linear"), (torch, "matmul")]
    originals = [getattr(module, name) for module, name in places]

    def rounding_inputs(original: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        return lambda left, right, *rest, **named: original(rounding(left), rounding(right), *rest, **named)

    for (module, name), original in zip(places, originals, strict=True):
        setattr(module, name, rounding_inputs(original))
    convolution = torch.nn.Conv2d._conv_forward
    torch.nn.Conv2d._conv_forward = lambda self, x, w, b: convolution(self, rounding(x), rounding(w), b)  # type: ignore
    try:
        yield
    finally:
        torch.nn.Conv2d._conv_forward = convolution  # type: ignore[method-assign]
        for (module, name), original in zip(places, originals, strict=True):
            setattr(module, name, original)


def differences(checkpoint: Path, pictures: list[Image.Image]) -> dict[str, float]:
    """Give, for each rounding, the largest difference between logits as a share of the largest logit."""
    processor = ViTImageProcessor.from_pretrained(checkpoint)
    # Eager attention multiplies by torch.matmul, where it can be rounded.
    model = ViTForImageClassification.from_pretrained(checkpoint, attn_implementation="eager").eval()
    pixels = processor(pictures, return_tensors="pt")["pixel_values"]
    found = {}
    with torch.inference_mode():
        exact = model(pixels).logits
        for name, rounding in (("bf16", to_bf16), ("tf32", to_tf32)):
            with rounded(rounding):
                found[name] = float((model(pixels).logits - exact).abs().max() / exact.abs().max())
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pictures", type=Path, default=PHOTOS)
    parser.add_argument("--size", action="append", choices=["vit-tiny", "vit-base"], help="(default: both)")
    options = parser.parse_args()

    pictures = [Image.open(file).convert("RGB") for file in sorted(options.pictures.iterdir()) if file.is_file()]
    checkpoints = {"digits": DIGITS}
    for size in options.size or ["vit-tiny", "vit-base"]:
        checkpoints[size] = make_checkpoint(ROOT / "build" / "bench" / f"{size}-checkpoint", size=size)
    for name, checkpoint in checkpoints.items():
        found = {kind: round(share, 6) for kind, share in differences(checkpoint, pictures).items()}
        print(json.dumps({"model": name, "pictures": len(pictures)} | found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
