"""Compare the engine's decoding with Pillow's, variant by variant, and write the tables of docs/exactness.md.

Usage: python tests/parity/exactness.py

The table of the shared images is written only where ../shared exists. `scripts/bench/parity` and the tests read what
the tables promise.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

from tests.parity.random_images import VARIANTS, random_image  # noqa: E402
from tests.parity.two_decoders import Refused, Values, engine_pixels, pillow_pixels  # noqa: E402

DOCUMENT = ROOT / "docs" / "exactness.md"
# The folders of images among the test data, and among the shared images.
IMAGE_FOLDERS = ("corrupt", "digits", "formats", "photos")
FOLDERS = {"fixtures": ROOT / "tests" / "fixtures", "shared": ROOT.parent / "shared" / "images"}
IMAGES_PER_VARIANT = 12


@dataclass(frozen=True)
class Comparison:
    """One image through both decoders.

    Attributes
    ----------
    difference
        The largest between two samples; None unless both read the image.
    refusal
        Why the engine refuses it; None when it does not.
    pillow_reads
        Whether Pillow reads it.
    """

    difference: int | None
    refusal: str | None
    pillow_reads: bool

    def __str__(self) -> str:
        """Say it in the words of the table."""
        if self.difference is not None:
            return "byte-equal" if self.difference == 0 else f"differs by at most {self.difference}"
        if self.refusal is None:
            return "read, though Pillow refuses it"
        return f"refused: {_brief(self.refusal)}" if self.pillow_reads else "refused by both"


def _brief(refusal: str) -> str:
    """Leave out what the reason advises."""
    return re.split(r";|: convert|, which", refusal)[0]


def compare(ours: Values | Refused, pillows: Values | Refused) -> Comparison:
    """Compare the pixels of one image; the difference between images of two sizes is 255."""
    refusal = str(ours) if isinstance(ours, Refused) else None
    if isinstance(ours, Refused) or isinstance(pillows, Refused):
        return Comparison(None, refusal, not isinstance(pillows, Refused))
    if ours.shape != pillows.shape:
        return Comparison(255, None, True)
    return Comparison(int(np.abs(ours.astype(np.int16) - pillows).max()), None, True)


def compare_all(images: Sequence[bytes]) -> list[Comparison]:
    """Compare encoded images, in order."""
    return [compare(ours, pillow_pixels(data)) for ours, data in zip(engine_pixels(images), images, strict=True)]


def worst(comparisons: Sequence[Comparison]) -> str:
    """Return the outcome that a variant can be promised: the largest difference, or all the ways it is refused."""
    refusals = sorted({str(one) for one in comparisons if one.difference is None})
    if refusals:
        return "; ".join(refusals)
    return str(max(comparisons, key=lambda one: one.difference or 0))


def measured_variants() -> dict[str, str]:
    """Make images of every variant, the same ones each time, and return the outcome by variant."""
    outcomes = {}
    for variant, make in VARIANTS.items():
        rng = random.Random(variant)
        images = [make(rng, random_image(rng)) for _ in range(IMAGES_PER_VARIANT)]
        outcomes[variant] = worst(compare_all(images))
    return outcomes


def measured_files(folder: Path) -> tuple[int, dict[str, str]]:
    """Compare the image files below a folder; return their number, and the outcomes that deserve a row."""
    found = (file for name in IMAGE_FOLDERS for file in (folder / name).rglob("*"))
    files = sorted(file for file in found if file.is_file() and file.suffix not in (".md", ".txt", ".json"))
    outcomes = {file.relative_to(folder).as_posix(): str(compare_all([file.read_bytes()])[0]) for file in files}
    return len(files), {name: one for name, one in outcomes.items() if one not in ("byte-equal", "refused by both")}


def table_between(begin: str, document: str) -> dict[str, str]:
    """Read a generated table of the document: its first column against its second."""
    body = document.partition(f"<!-- {begin} -->")[2].partition("<!-- end -->")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", body, re.MULTILINE)
    return {name: outcome for name, outcome in rows[1:] if not name.startswith("---")}


def promised_variants() -> dict[str, str]:
    """Return what docs/exactness.md says of each variant."""
    return table_between("variants", DOCUMENT.read_text())


def promised_bound(outcome: str) -> int | None:
    """Return the largest difference that a row of the table allows; None where it says that the variant is refused."""
    if outcome == "byte-equal":
        return 0
    bound = re.fullmatch(r"differs by at most (\d+)", outcome)
    return int(bound[1]) if bound else None


def with_table(document: str, name: str, content: str) -> str:
    """Replace what stands between the markers of a table."""
    before, opening, rest = document.partition(f"<!-- {name} -->\n")
    _, closing, after = rest.partition("<!-- end -->")
    if not opening or not closing:
        raise SystemExit(f"{DOCUMENT.name} lacks the markers <!-- {name} --> and <!-- end -->")
    return f"{before}{opening}{content}\n{closing}{after}"


def _table(heading: str, rows: dict[str, str]) -> str:
    return "\n".join([f"| {heading} | Against Pillow |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows.items())])


def main() -> None:
    """Measure, and write the tables."""
    document = with_table(DOCUMENT.read_text(), "variants", _table("Variant", measured_variants()))
    for name, folder in FOLDERS.items():
        if folder.exists():
            count, rows = measured_files(folder)
            content = f"{count} files, of which all are byte-equal or refused by both, but:\n\n"
            document = with_table(document, name, content + _table("File", rows))
    DOCUMENT.write_text(document)


if __name__ == "__main__":
    main()
