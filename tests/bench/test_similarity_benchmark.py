"""The graph that computes similarity, and the vectors of the benchmark."""

from __future__ import annotations

import make_similarity_graph
from bench.similarity import made_vectors


def test_the_committed_graph_is_what_its_script_makes() -> None:
    assert make_similarity_graph.GRAPH.read_bytes() == make_similarity_graph.graph()


def test_made_vectors_are_the_same_each_time_and_others_for_another_seed() -> None:
    first, second, other = made_vectors(5, 16, seed=1), made_vectors(5, 16, seed=1), made_vectors(5, 16, seed=2)
    assert (first == second).all() and not (first == other).any()
