"""The rounds of the benchmark of precisions."""

from __future__ import annotations

from tests.conftest import EMBEDDED_BUNDLE

from bench.precision import rounds


def test_graphs_take_turns_and_each_round_begins_with_another() -> None:
    measured = list(rounds({"fp32": str(EMBEDDED_BUNDLE), "again": str(EMBEDDED_BUNDLE)}, count=1, seconds=0))
    assert [one["precision"] for one in measured] == ["fp32", "again", "again", "fp32"]
    assert [one["counted"] for one in measured] == [False, False, True, True]
    assert min(one["img_per_s"] for one in measured) > 0
