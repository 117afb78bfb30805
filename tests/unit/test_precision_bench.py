"""The measurement of cheaper arithmetic: its rounds, its table, and where it looks for the CPUID instruction."""

from __future__ import annotations

from typing import Any

from tests.conftest import EMBEDDED_BUNDLE

from bench.older_processor.runtime import addresses, segments
from bench.precision import rounds
from bench.precision_table import precision_table


def row(kernels: str, precision: str, speed: float, **others: Any) -> dict[str, Any]:
    same = {"run": "2026-01-02", "model": "vit-base", "round": 1, "counted": True}
    return {**same, "kernels": kernels, "precision": precision, "img_per_s": speed, **others}


def rows_of(kernels: str, factor: float, **others: Any) -> list[dict[str, Any]]:
    lowered = [row(kernels, name, 10 * factor, **others) for name in ("optimized", "fp16", "int8", "int8-calibrated")]
    return [row(kernels, "fp32", 10.0, **others), *lowered]


def test_graphs_take_turns_and_each_round_begins_with_another() -> None:
    measured = list(rounds({"fp32": str(EMBEDDED_BUNDLE), "again": str(EMBEDDED_BUNDLE)}, count=1, seconds=0))
    assert [one["precision"] for one in measured] == ["fp32", "again", "again", "fp32"]
    assert [one["counted"] for one in measured] == [False, False, True, True]
    assert min(one["img_per_s"] for one in measured) > 0


def test_a_ratio_is_of_the_same_kernels_round_and_run() -> None:
    rows = [
        *rows_of("AVX2", 9.0, run="2026-01-01"),
        *rows_of("this processor", 7.0, round=0, counted=False),
        *rows_of("this processor", 2.0),
        *rows_of("AVX2", 1.5),
    ]
    head, _, *lines = precision_table(rows).splitlines()
    assert head == "| times as fast as float32 | ViT-B/16, this processor | ViT-B/16, AVX2 |"
    assert lines[2] == "| `--precision int8` | 2.00 | 1.50 |"


def test_instructions_and_segments_are_read_from_what_objdump_prints() -> None:
    listing = ["  43a0f1:\tcpuid", "  43a0f3:\tmov    %ebx,%esi", "000000000043b000 <cpuid_info>:", " 43b010:\tcpuid  "]
    assert list(addresses(listing)) == [0x43A0F1, 0x43B010]
    headers = """
    LOAD off    0x0000000000400000 vaddr 0x0000000000401000 paddr 0x0000000000401000 align 2**12
         filesz 0x0000000000200000 memsz 0x0000000000200000 flags r-x
"""
    assert list(segments(headers)) == [(0x401000, 0x400000, 0x200000)]
