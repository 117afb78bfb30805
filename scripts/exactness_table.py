#!/usr/bin/env python3
"""Measure how the engine decodes against Pillow, and write the tables of docs/exactness.md.

Needs the jars (scripts/build_jars.py), and for the table of files the shared pictures; see CONTRIBUTING.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from bench.exactness import DOCUMENT, measured_files, measured_variants  # noqa: E402

PICTURES = {"fixtures": ROOT / "tests" / "fixtures", "shared": ROOT.parent / "shared" / "images"}


def table(heading: tuple[str, str], rows: dict[str, str]) -> str:
    """Write a table of Markdown."""
    lines = [f"| {heading[0]} | {heading[1]} |", "|---|---|", *(f"| {name} | {what} |" for name, what in rows.items())]
    return "\n".join(lines)


def replaced(document: str, begin: str, content: str) -> str:
    """Put content between the markers of a table."""
    before, opening, rest = document.partition(f"<!-- {begin} -->\n")
    _, closing, after = rest.partition("<!-- end -->")
    if not opening or not closing:
        raise SystemExit(f"{DOCUMENT.name} lacks the markers <!-- {begin} --> and <!-- end -->")
    return f"{before}{opening}{content}\n{closing}{after}"


def main() -> None:
    """Write the tables."""
    document = replaced(DOCUMENT.read_text(), "variants", table(("Variant", "Against Pillow"), measured_variants()))
    for name, folder in PICTURES.items():
        if folder.exists():
            count, rows = measured_files(folder)
            content = f"{count} files, of which all are byte-equal or refused by both, but:\n\n"
            document = replaced(document, name, content + table(("File", "Against Pillow"), rows))
    DOCUMENT.write_text(document)


if __name__ == "__main__":
    main()
