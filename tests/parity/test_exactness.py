"""What docs/exactness.md states is what is measured, and a slice of the fuzz finds nothing beyond it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import FIXTURES, SHARED_IMAGES
from tests.parity.exactness import (
    DOCUMENT,
    Comparison,
    compare,
    measured_files,
    measured_variants,
    promised_bound,
    promised_variants,
    table_between,
)
from tests.parity.fuzz import Case, outcome, report, run
from tests.parity.random_images import VARIANTS
from tests.parity.two_decoders import Refused


def case(variant: str = "JPEG, colour", is_damaged: bool = False) -> Case:
    return Case(seed=0, number=0, variant=variant, is_damaged=is_damaged, data=b"")


def test_each_variant_is_as_the_document_states() -> None:
    measured = measured_variants()
    bounds = [promised_bound(row) for row in measured.values()]
    print(f"\n{len(measured)} variants: {bounds.count(0)} byte-equal, {bounds.count(None)} refused by name")
    assert measured == promised_variants()


def test_each_fixture_is_as_the_document_states() -> None:
    count, rows = measured_files(FIXTURES)
    assert f"\n{count} files" in DOCUMENT.read_text()
    assert rows == table_between("fixtures", DOCUMENT.read_text())


@pytest.mark.skipif(not SHARED_IMAGES.exists(), reason="needs ../shared")
def test_each_shared_image_is_as_the_document_states() -> None:
    count, rows = measured_files(SHARED_IMAGES)
    assert f"\n{count} files" in DOCUMENT.read_text()
    assert rows == table_between("shared", DOCUMENT.read_text())


@pytest.mark.slow
def test_a_slice_of_the_fuzz_finds_no_difference_beyond_the_document(tmp_path: Path) -> None:
    findings = run(seed=20, job=0, jobs=1, seconds=30, failures=tmp_path)
    assert report(findings) == 0
    assert findings.counts["byte-equal"] > 100 and findings.inputs > 100


@pytest.mark.parametrize(
    "comparison",
    [
        Comparison(difference=1, refusal=None, pillow_reads=True),
        Comparison(difference=None, refusal="corrupt JPEG", pillow_reads=True),
        Comparison(difference=None, refusal=None, pillow_reads=False),
    ],
)
def test_the_fuzz_allows_no_difference_in_a_whole_image(comparison: Comparison) -> None:
    assert outcome(case(), comparison, {"JPEG, colour": "byte-equal"}) is None


@pytest.mark.parametrize(("difference", "allowed"), [(2, True), (3, False)])
def test_the_fuzz_allows_what_a_bound_allows(difference: int, allowed: bool) -> None:
    comparison = Comparison(difference, refusal=None, pillow_reads=True)
    found = outcome(case(), comparison, {"JPEG, colour": "differs by at most 2"})
    assert (found is not None) == allowed


def test_wrong_pixels_of_a_damaged_jpeg_are_a_difference() -> None:
    comparison = Comparison(difference=1, refusal=None, pillow_reads=True)
    assert outcome(case(is_damaged=True), comparison, {"JPEG, colour": "byte-equal"}) is None


def test_a_mistake_of_the_decoder_is_a_difference_whatever_pillow_does() -> None:
    comparison = Comparison(None, refusal="the decoder failed unexpectedly (...)", pillow_reads=False)
    assert outcome(case(is_damaged=True), comparison, {"JPEG, colour": "byte-equal"}) is None


def test_comparing_finds_the_largest_difference_and_another_size() -> None:
    ours = np.array([[[0, 0, 250]]], dtype=np.uint8)
    pillows = np.array([[[3, 0, 0]]], dtype=np.uint8)
    assert compare(ours, pillows).difference == 250
    assert compare(ours, np.zeros((1, 2, 3), np.uint8)).difference == 255
    assert compare(Refused("why"), pillows) == Comparison(None, "why", True)


def test_every_variant_has_a_row() -> None:
    assert list(promised_variants()) == list(VARIANTS)
