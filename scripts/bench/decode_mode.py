"""How far decodeMode=fast is from exact: the model's input in 8-bit levels, and its logits, photo by photo.

Takes the JPEGs of tests/fixtures and ../shared that fast mode reduces for a model of 224 x 224, and a ViT with random
weights under which pictures matter (scripts/make_checkpoint.py). Writes the table of docs/exactness.md.

Usage: scripts/bench/decode_mode [--size vit-base|vit-small|vit-tiny]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from sparkvision.local import LocalModel

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from bench.exactness import DOCUMENT  # noqa: E402
from bench.rivals.models import model  # noqa: E402
from exactness_table import replaced, table  # noqa: E402

FOLDERS = [ROOT / "tests" / "fixtures" / "photos", ROOT.parent / "shared" / "images" / "photos"]
SIDE = 224


def reduced_photos() -> list[Path]:
    """List the photos whose sides are at least twice the model's; of those in both folders one."""
    files = {file.name: file for folder in FOLDERS for file in sorted(folder.glob("*.jpg"))}
    return [file for file in files.values() if min(Image.open(file).size) >= 2 * SIDE]


def levels(inputs: np.ndarray) -> np.ndarray:
    """Undo the made checkpoint's (v / 255 - 0.5) / 0.5."""
    return np.asarray(np.rint((inputs.astype(np.float64) * 0.5 + 0.5) * 255))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", choices=["vit-base", "vit-small", "vit-tiny"], default="vit-base")
    bundle = model(parser.parse_args().size, "fp32").bundle
    photos = reduced_photos()
    with LocalModel(bundle) as exact, LocalModel(bundle, decode_mode="fast") as fast:
        pixels = np.abs(levels(fast.preprocess(photos)) - levels(exact.preprocess(photos))).reshape(len(photos), -1)
        exact_logits, fast_logits = exact.logits(photos), fast.logits(photos)
    logits = np.abs(fast_logits - exact_logits).max(axis=1)
    same = int((fast_logits.argmax(axis=1) == exact_logits.argmax(axis=1)).sum())
    for number, photo in enumerate(photos):
        width, height = Image.open(photo).size
        print(
            f"{photo.name:32} {width:4} x {height:4}  levels: mean {pixels[number].mean():.2f}, "
            f"largest {pixels[number].max():.0f}; logits: largest {logits[number]:.3f}"
        )
    others = np.abs(exact_logits[1:] - exact_logits[:-1]).max(axis=1)
    rows = {
        "samples that differ": f"{(pixels > 0).mean():.0%}",
        "mean difference of a sample": f"{pixels.mean():.2f} of 255 levels",
        "99 of 100 samples differ by at most": f"{np.percentile(pixels, 99):.0f} levels",
        "largest difference of a sample": f"{pixels.max():.0f} levels",
        "largest difference of a logit, median of the photos": f"{np.median(logits):.2f}",
        "largest difference of a logit": f"{logits.max():.2f}",
        "the same between two different photos, median": f"{np.median(others):.2f}",
        "photos with the same best label": f"{same} of {len(photos)}",
    }
    written = table(("Fast against exact", f"{len(photos)} photos"), rows)
    DOCUMENT.write_text(replaced(DOCUMENT.read_text(), "fast", written))
    print(f"{written}\n\nwritten to {DOCUMENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
