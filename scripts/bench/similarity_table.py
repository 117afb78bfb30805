"""The table of docs/similarity.md, from the rows that scripts/bench/similarity measured."""

from __future__ import annotations

from collections.abc import Sequence

from bench.performance_tables import number, table
from bench.summary import Row

NOTHING_YET = "Not measured yet: `scripts/bench/similarity` does it."
HEAD = [
    "vectors",
    "build, ms each",
    "with graphs",
    "exact query, ms",
    "approximate query, ms",
    "vectors compared",
    "recall@10",
]
HEAD += ["disk a picture, bytes", "with graphs"]


def similarity_table(rows: Sequence[Row], ef: int = 100) -> str:
    """Say what building and searching cost by the number of vectors: the last row of each, with one efSearch."""
    last = {int(row["vectors"]): row for row in rows}
    lines = [
        [
            f"{vectors:,}",
            number(row["build_exact"]["cpu_ms"]),
            number(row["build_approximate"]["cpu_ms"]),
            number(row["exact"]["cpu_ms"]),
            number(row[f"approximate_{ef}"]["cpu_ms"]),
            f"{row[f'approximate_{ef}']['vectors_compared']:,.0f}",
            f"{row[f'approximate_{ef}']['recall_at_10']:.3f}",
            f"{row['build_exact']['bytes']:,.0f}",
            f"{row['build_approximate']['bytes']:,.0f}",
        ]
        for vectors, row in sorted(last.items())
    ]
    return table(HEAD, lines) if lines else NOTHING_YET
