"""What a report says of rows in memory."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sparkvision.errors import ParameterError
from sparkvision.report import LabelledPicture, page, write_report
from sparkvision.report.collection import Wanted, from_rows
from sparkvision.report.heat_map import heat_map
from sparkvision.report.picture import bucket, folder_of, reason
from sparkvision.report.summary import Summary
from sparkvision.report.thumbnail import thumbnail


def summary(rows: list[LabelledPicture]) -> Summary:
    return Summary.of(Counter(row.kind for row in rows))


def test_labels_that_are_confused_make_a_matrix() -> None:
    pairs = [("cat", "cat"), ("cat", "dog"), ("dog", "dog"), ("dog", "dog"), ("dog", None), (None, "dog")]
    rows = [LabelledPicture("x", [(label, 0.9)] if label else [], truth=truth) for truth, label in pairs]
    found = summary(rows)
    assert found.confusion is not None
    assert (found.confusion.labels, found.confusion.counts) == (["cat", "dog"], [[1, 1], [0, 2]])
    assert (found.judged, found.right, found.labelled) == (4, 3, 5)


def test_of_many_labels_those_with_the_most_mistakes_are_shown() -> None:
    right = [LabelledPicture("x", [(str(i), 0.9)], truth=str(i)) for i in range(100)]
    wrong = [LabelledPicture("x", [("17", 0.9)], truth="4")] * 3
    found = summary([*right, *wrong]).confusion
    assert (
        found is not None and found.all_labels == 100 and len(found.labels) == 20 and {"17", "4"} <= set(found.labels)
    )


def test_scores_are_counted_in_steps_and_what_is_no_probability_in_none() -> None:
    assert [bucket(score) for score in (0.0, 0.049, 0.05, 0.999, 1.0)] == [0, 0, 1, 19, 19]
    assert [bucket(score) for score in (-0.1, 1.5, float("nan"), None)] == [None] * 4


def test_errors_are_counted_without_their_numbers() -> None:
    rows = [LabelledPicture("x", error=f"too large: {side} x 9 pixels") for side in (10, 11, 2000)]
    assert summary(rows).reasons == [("too large: # x # pixels", 3)] and reason(None) is None


def test_an_error_is_shown_with_its_numbers(tmp_path: Path) -> None:
    rows = [LabelledPicture("x", error=f"it begins with the bytes 23 23 23 {last}") for last in ("63", "20", "41")]
    page_file = write_report(rows, tmp_path / "report.html")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page_file.read_text(), re.S)
    assert found is not None
    data = json.loads(found[1])
    ((reason, count),) = data["summary"]["reasons"]
    assert count == 3 and data["examples"] == {reason: "it begins with the bytes 23 23 23 20"}


def test_a_folder_is_a_true_label(digits: list[Path]) -> None:
    assert folder_of("file:/data/cat/1.png") == "cat" and folder_of("1.png") is None
    found = from_rows([LabelledPicture(str(digits[0]))], Wanted(1), folders_are_labels=True)
    assert found.pictures[0].truth == digits[0].parent.name


def test_urls_of_files_are_read(photos: list[Path]) -> None:
    names = [str(photos[0]), photos[0].as_uri(), f"file:{photos[0]}"]
    found = from_rows([LabelledPicture(name) for name in names], Wanted(3), folders_are_labels=False)
    assert [picture.content for picture in found.pictures] == [thumbnail(photos[0], 128)] * 3


def test_thumbnails_beyond_the_pages_share_are_left_out(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "THUMBNAIL_BYTES", 12_000)
    text = write_report([LabelledPicture(str(file)) for file in photos], tmp_path / "report.html").read_text()
    assert 1 <= text.count("data:image/jpeg") < len(photos) and len(text) < 12_000 * 4 / 3 + 40_000


def test_rows_have_no_columns(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="rows bring their own scores and truth"):
        write_report([LabelledPicture("x")], tmp_path / "report.html", truth="label")


def test_a_name_that_is_not_utf8_is_escaped(tmp_path: Path) -> None:
    page_file = tmp_path / "made" / "report.html"
    write_report([LabelledPicture(b"caf\xe9.png".decode("utf-8", "surrogateescape"))], page_file, title="\udce9")
    assert r"caf\udce9.png" in page_file.read_text(encoding="utf-8")


def test_a_folder_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="is a folder; give the name of a file"):
        write_report([LabelledPicture("x")], tmp_path)


def test_a_heat_map_is_red_where_attention_went() -> None:
    import io

    from PIL import Image

    rollout = np.zeros((4, 4), np.float32)
    rollout[3, 0] = 0.2
    pixels = np.random.default_rng(0).standard_normal((3, 64, 64)).astype(np.float32)
    with Image.open(io.BytesIO(heat_map(pixels, rollout))) as picture:
        shown = np.asarray(picture, dtype=float)
    redness = shown[..., 0] - shown[..., 2]
    assert shown.shape == (64, 64, 3)
    assert redness[52:60, 4:12].mean() > 100 and abs(redness[:32, 32:].mean()) < 5
