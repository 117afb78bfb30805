#!/usr/bin/env python3
"""Draw ``docs/images/architecture.svg`` from the text in ``docs/images/architecture.txt``.

All text stands in filled boxes, and the arrows are grey, so that the image is readable on light and on dark pages.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "docs" / "images" / "architecture.txt"
TARGET = SOURCE.with_suffix(".svg")

WIDTH, MARGIN, GAP = 960, 4, 18
HEADING_HEIGHT, LINE_HEIGHT, PADDING = 34, 17, 12
FILLS = {"image": "#cfe8ff", "engine": "#d7f0d2", "spark": "#ffe3c2", "python": "#eadcf7", "heading": "#e6e9ed"}
STROKES = {"image": "#3b82c4", "engine": "#4c9a3f", "spark": "#d0812b", "python": "#8a5fb5", "heading": "#e6e9ed"}
ARROW = "#808890"
FONT = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"


@dataclass(frozen=True)
class Box:
    """A box of the image: its kind (``heading``, ``step`` or ``module``), colour, title and lines of text."""

    kind: str
    module: str
    title: str
    lines: tuple[str, ...] = ()


def read_boxes(text: str) -> list[list[Box]]:
    """Read the rows of boxes: a heading is a row of its own, and steps and modules fill the row below it.

    Raises
    ------
    ValueError
        If a line is neither a comment nor one of the three kinds, or names an unknown module.
    """
    rows: list[list[Box]] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        if line.startswith("#"):
            continue
        first, *cells = (cell.strip() for cell in line.split("|"))
        kind, _, module = first.partition(" ")
        if kind == "heading" and len(cells) == 1:
            rows += [[Box("heading", "heading", cells[0])], []]
        elif kind in ("step", "module") and module in FILLS and len(cells) == 2 and rows:
            rows[-1].append(Box(kind, module, cells[0], tuple(part.strip() for part in cells[1].split("/"))))
        else:
            raise ValueError(f"{SOURCE.name} has a line that is no heading, step or module: {line!r}")
    return rows


def draw(rows: list[list[Box]]) -> str:
    """Return the SVG document of the rows."""
    parts: list[str] = []
    top: float = MARGIN
    for row in rows:
        height = _height(row)
        width = (WIDTH - 2 * MARGIN - GAP * (len(row) - 1)) / len(row)
        for place, box in enumerate(row):
            left = MARGIN + place * (width + GAP)
            parts += _box(box, left, top, width, height)
            if place:
                parts.append(_arrow(left - GAP, left, top + height / 2))
        top += height + (8 if row[0].kind == "heading" else GAP)
    label = escape(
        ". ".join(f"{box.title}: {' '.join(box.lines)}" if box.lines else box.title for r in rows for box in r)
    )
    size = f"{top - GAP + MARGIN:g}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{size}" viewBox="0 0 {WIDTH} {size}" '
    head += f'role="img" aria-label="{label}" font-family="{FONT}" text-anchor="middle" fill="#1f2328">'
    return "\n".join([head, *parts, "</svg>", ""])


def _height(row: list[Box]) -> float:
    lines = max(len(box.lines) for box in row)
    return HEADING_HEIGHT if row[0].kind == "heading" else 2 * PADDING + 22 + lines * LINE_HEIGHT


def _box(box: Box, left: float, top: float, width: float, height: float) -> list[str]:
    middle = f"{left + width / 2:g}"
    fill, stroke = FILLS[box.module], STROKES[box.module]
    title = top + (height / 2 + 6 if box.kind == "heading" else PADDING + 15)
    rectangle = (
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="6" fill="{fill}" stroke="{stroke}"/>'
    )
    texts = [f'<text x="{middle}" y="{title:g}" font-size="16" font-weight="600">{escape(box.title)}</text>']
    for number, line in enumerate(box.lines, start=1):
        texts.append(
            f'<text x="{middle}" y="{title + 4 + number * LINE_HEIGHT:g}" font-size="13">{escape(line)}</text>'
        )
    return [rectangle, *texts]


def _arrow(left: float, right: float, y: float) -> str:
    path = f"M{left + 3:g} {y:g}H{right - 8:g}M{right - 9:g} {y - 5:g}L{right - 3:g} {y:g}L{right - 9:g} {y + 5:g}"
    return f'<path d="{path}" fill="none" stroke="{ARROW}" stroke-width="2" stroke-linejoin="round"/>'


def main() -> int:
    """Write the SVG."""
    TARGET.write_text(draw(read_boxes(SOURCE.read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
