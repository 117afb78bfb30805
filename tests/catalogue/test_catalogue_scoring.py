"""How the catalogue example judges what it found, and which photos it takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from catalogue.scoring import Truth, choose_threshold, groups_above, overlap, score

from catalogue import images


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    """Two pages that show a cup, and one of them a hat too."""
    cup, hat = ({"source": name, "alteration": "none"} for name in ("cup", "hat"))
    pages = {
        "1.jpg": [{**cup, "box": [0, 0, 10, 10]}, {**hat, "box": [20, 0, 30, 10]}],
        "2.jpg": [{**cup, "box": [5, 5, 15, 15]}],
    }
    file = tmp_path / "truth.jsonl"
    file.write_text(
        "\n".join(json.dumps({"page": n, "half": "judged", "products": shown}) for n, shown in pages.items())
    )
    return Truth.read(file)


def test_a_crop_shows_the_product_that_it_covers_by_half_or_more(truth: Truth) -> None:
    found = truth.shown("1.jpg", [19, 0, 30, 10])
    assert found is not None and found.source == "hat"
    assert truth.shown("1.jpg", [8, 0, 22, 10]) is None


def test_boxes_that_touch_share_nothing() -> None:
    assert overlap([0, 0, 10, 10], [10, 0, 20, 10]) == 0
    assert overlap([0, 0, 10, 10], [0, 0, 10, 5]) == 0.5


def test_pairs_that_the_detector_missed_count_against_recall(truth: Truth) -> None:
    assert truth.pairs("judged") == 1 and truth.pairs("choosing") == 0
    assert score({"1.jpg#0": "a"}, {"1.jpg#0": "cup"}, truth.pairs("judged")).recall == 0


def test_precision_and_recall_are_of_pairs() -> None:
    sources = {"a": "cup", "b": "cup", "c": "cup", "d": "hat"}
    # Three pairs belong together; of the three in the group of a, b and d one does.
    found = score({"a": "1", "b": "1", "d": "1", "c": "2"}, sources, true_pairs=3)
    assert found.precision == found.recall == pytest.approx(1 / 3)


def test_what_hangs_together_is_one_group() -> None:
    groups = groups_above([("a", "b", 0.9), ("b", "c", 0.8), ("c", "d", 0.7)], 0.8, "abcd")
    assert groups["a"] == groups["b"] == groups["c"] != groups["d"]


def test_the_threshold_is_in_the_middle_of_the_good_ones() -> None:
    similarities = [("a", "b", 0.9), ("c", "d", 0.9), ("b", "c", 0.6)]
    sources = {"a": "cup", "b": "cup", "c": "hat", "d": "hat"}
    assert choose_threshold(similarities, sources, true_pairs=2) == pytest.approx(0.75, abs=0.01)


def test_photos_of_ones_own_that_cannot_be_read_are_named_and_left_out(
    tmp_path: Path, photos: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for photo in photos[:2]:
        shutil.copy(photo, tmp_path)
    (tmp_path / "broken.jpg").write_bytes(photos[0].read_bytes()[:100])
    halves = images.photos(tmp_path)
    assert sorted(path.name for half in halves.values() for path in half) == [photo.name for photo in photos[:2]]
    assert "broken.jpg is omitted" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="There are 0 photos in"):
        images.photos(tmp_path / "nowhere")


def test_photos_that_are_refused_leave_an_earlier_catalogue_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "pages" / "0000.jpg"
    page.parent.mkdir()
    page.touch()
    with pytest.raises(SystemExit, match="There are 0 photos in"):
        images.make_catalogue(tmp_path, tmp_path / "nowhere")
    assert page.exists()
