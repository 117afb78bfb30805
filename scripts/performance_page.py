#!/usr/bin/env python3
"""Write the tables of docs/performance.md, docs/similarity.md, docs/models.md and the README, and the plots.

All are made from the rows of scripts/bench/results.

With --check it writes nothing and exits with 1 when a table is not what the rows say.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from bench.large_picture_table import large_picture_table  # noqa: E402
from bench.performance_tables import page_tables, readme_table  # noqa: E402
from bench.precision_table import precision_table  # noqa: E402
from bench.similarity_table import similarity_table  # noqa: E402
from bench.summary import read_rows  # noqa: E402
from bench.unified_table import unified_table  # noqa: E402

RESULTS = ROOT / "scripts" / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
MODELS = ROOT / "docs" / "models.md"
SIMILARITY = ROOT / "docs" / "similarity.md"
README = ROOT / "README.md"
PLOTS = ROOT / "docs" / "performance"


def with_tables(document: str, tables: Mapping[str, str]) -> str:
    """Give a document with its tables exchanged.

    A table stands between ``<!-- performance: NAME -->`` and ``<!-- end of NAME -->``.

    Raises
    ------
    ValueError
        When the document has no place for a table.
    """
    for name, table in tables.items():
        place = re.compile(rf"(<!-- performance: {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        document, found = place.subn(lambda m, t=table: f"{m[1]}{t}\n{m[2]}", document)  # type: ignore[misc]
        if not found:
            raise ValueError(f"the document has no markers for the table {name}")
    return document


def documents() -> dict[Path, str]:
    """Give the documents as the committed rows make them."""
    rows, scale = read_rows(RESULTS / "peers.jsonl"), read_rows(RESULTS / "scale.jsonl")
    others = {
        "unified": unified_table(read_rows(RESULTS / "unified.jsonl")),
        "large-pictures": large_picture_table(read_rows(RESULTS / "large_pictures.jsonl")),
    }
    return {
        PAGE: with_tables(PAGE.read_text(), {**page_tables(rows, scale), **others}),
        SIMILARITY: with_tables(
            SIMILARITY.read_text(), {"similarity": similarity_table(read_rows(RESULTS / "similarity.jsonl"))}
        ),
        MODELS: with_tables(MODELS.read_text(), {"precision": precision_table(read_rows(RESULTS / "precision.jsonl"))}),
        README: with_tables(README.read_text(), {"peers": readme_table(rows)}),
    }


def main() -> int:
    """Write, or compare."""
    made = documents()
    if "--check" in sys.argv[1:]:
        stale = [file.name for file, text in made.items() if file.read_text() != text]
        print("\n".join(f"{name} is not what scripts/performance_page.py makes of the rows" for name in stale))
        return 1 if stale else 0
    from bench.plots import plots, write_page

    for file, text in made.items():
        file.write_text(text)
    images = plots(read_rows(RESULTS / "peers.jsonl"), read_rows(RESULTS / "scale.jsonl"))
    PLOTS.mkdir(exist_ok=True)
    for name, image in images.items():
        (PLOTS / f"{name}.png").write_bytes(image)
    write_page(PLOTS / "plots.html", images)
    return 0


if __name__ == "__main__":
    sys.exit(main())
