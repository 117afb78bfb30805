"""The graph by which similarity is computed, and the table of what that costs."""

from __future__ import annotations

from typing import Any

import make_similarity_graph
from bench.similarity import made_vectors
from bench.similarity_table import NOTHING_YET, similarity_table


def row(vectors: int, query: float) -> dict[str, Any]:
    build = {"cpu_ms": 0.5, "bytes": 800.0}
    approximate = {"cpu_ms": 0.25, "recall_at_10": 0.9876, "vectors_compared": 1234.5}
    both = {"build_exact": build, "build_approximate": build, "approximate_100": approximate}
    return {"vectors": vectors, "exact": {"cpu_ms": query}, **both}


def test_the_committed_graph_is_what_its_script_makes() -> None:
    assert make_similarity_graph.GRAPH.read_bytes() == make_similarity_graph.graph()


def test_the_table_has_the_last_row_of_each_size_the_smallest_first() -> None:
    lines = similarity_table([row(10**6, 9.0), row(10**4, 1.0), row(10**6, 7.0)]).splitlines()[2:]
    assert [line.split(" | ")[0] for line in lines] == ["| 10,000", "| 1,000,000"]
    assert " | 7 | 0.25 | 1,234 | 0.988 | " in lines[1]
    assert similarity_table([]) == NOTHING_YET


def test_made_vectors_are_the_same_each_time_and_others_for_another_seed() -> None:
    first, second, other = made_vectors(5, 16, seed=1), made_vectors(5, 16, seed=1), made_vectors(5, 16, seed=2)
    assert (first == second).all() and not (first == other).any()
