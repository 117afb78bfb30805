"""What a report says of rows in memory."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sparkvision.errors import ParameterError
from sparkvision.report import LabelledImage, predictions_page, write_report
from sparkvision.report.collection import Wanted, from_rows
from sparkvision.report.heat_map import heat_map
from sparkvision.report.labelled_image import bucket, folder_of, reason
from sparkvision.report.summary import Summary
from sparkvision.report.thumbnail import thumbnail


def summary(rows: list[LabelledImage]) -> Summary:
    return Summary.of(Counter(row.kind for row in rows))


def page_data(page: str) -> str:
    """The JSON that the page's script reads."""
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return str(data)


def test_labels_that_are_confused_make_a_matrix() -> None:
    pairs = [("cat", "cat"), ("cat", "dog"), ("dog", "dog"), ("dog", "dog"), ("dog", None), (None, "dog")]
    rows = [LabelledImage("x", [(label, 0.9)] if label else [], truth=truth) for truth, label in pairs]
    found = summary(rows)
    assert found.confusion is not None
    assert (found.confusion.labels, found.confusion.counts) == (["cat", "dog"], [[1, 1], [0, 2]])
    assert (found.judged, found.right, found.labelled) == (4, 3, 5)


def test_of_many_labels_those_with_the_most_mistakes_are_shown() -> None:
    right = [LabelledImage("x", [(str(i), 0.9)], truth=str(i)) for i in range(100)]
    wrong = [LabelledImage("x", [("17", 0.9)], truth="4")] * 3
    found = summary([*right, *wrong]).confusion
    assert (
        found is not None and found.all_labels == 100 and len(found.labels) == 20 and {"17", "4"} <= set(found.labels)
    )


def test_scores_are_counted_in_steps_and_what_is_no_probability_in_none() -> None:
    assert [bucket(score) for score in (0.0, 0.049, 0.05, 0.999, 1.0)] == [0, 0, 1, 19, 19]
    assert [bucket(score) for score in (-0.1, 1.5, float("nan"), None)] == [None] * 4


def test_errors_are_counted_without_their_numbers() -> None:
    rows = [LabelledImage("x", error=f"too large: {side} x 9 pixels") for side in (10, 11, 2000)]
    assert summary(rows).reasons == [("too large: # x # pixels", 3)] and reason(None) is None


def test_an_error_is_shown_with_its_numbers(tmp_path: Path) -> None:
    rows = [LabelledImage("x", error=f"it begins with the bytes 23 23 23 {last}") for last in ("63", "20", "41")]
    page_file = write_report(rows, tmp_path / "report.html")
    data = json.loads(page_data(page_file.read_text()))
    ((reason, count),) = data["summary"]["reasons"]
    assert count == 3 and data["examples"] == {reason: "it begins with the bytes 23 23 23 20"}


def test_a_folder_is_a_true_label(digits: list[Path]) -> None:
    assert folder_of("file:/data/cat/1.png") == "cat" and folder_of("1.png") is None
    found = from_rows([LabelledImage(str(digits[0]))], Wanted(1), folders_are_labels=True)
    assert found.images[0].truth == digits[0].parent.name


def test_urls_of_files_are_read(photos: list[Path]) -> None:
    names = [str(photos[0]), photos[0].as_uri(), f"file:{photos[0]}"]
    found = from_rows([LabelledImage(name) for name in names], Wanted(3), folders_are_labels=False)
    assert [image.content for image in found.images] == [thumbnail(photos[0], 128)] * 3


def test_thumbnails_beyond_the_pages_share_are_left_out(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions_page, "THUMBNAIL_BYTES", 12_000)
    text = write_report([LabelledImage(str(file)) for file in photos], tmp_path / "report.html").read_text()
    assert 1 <= text.count("data:image/jpeg") < len(photos) and len(text) < 12_000 * 4 / 3 + 40_000


def test_rows_have_no_columns(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="rows bring their own scores and truth"):
        write_report([LabelledImage("x")], tmp_path / "report.html", truth="label")


def test_a_name_that_is_not_utf8_is_escaped(tmp_path: Path) -> None:
    page_file = tmp_path / "made" / "report.html"
    write_report([LabelledImage(b"caf\xe9.png".decode("utf-8", "surrogateescape"))], page_file, title="\udce9")
    assert r"caf\udce9.png" in page_file.read_text(encoding="utf-8")


def test_a_label_cannot_end_the_pages_data_or_become_an_element(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    text = write_report(
        [LabelledImage("x", [(hostile, 0.5)])], str(tmp_path / "report.html"), title=hostile
    ).read_text()
    assert text.count("<script") == 2 and text.count("</script>") == 2
    assert json.loads(page_data(text))["images"][0]["scores"] == [[hostile, 0.5]]


def test_the_browser_is_told_the_hash_of_the_pages_only_script(tmp_path: Path) -> None:
    text = write_report([LabelledImage("x")], tmp_path / "report.html").read_text()
    (script,) = re.findall("<script>(.*?)</script>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in text


def test_a_folder_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="is a folder; give the name of a file"):
        write_report([LabelledImage("x")], tmp_path)


def test_a_heat_map_is_red_where_attention_went() -> None:
    import io

    from PIL import Image

    rollout = np.zeros((4, 4), np.float32)
    rollout[3, 0] = 0.2
    pixels = np.random.default_rng(0).standard_normal((3, 64, 64)).astype(np.float32)
    with Image.open(io.BytesIO(heat_map(pixels, rollout))) as opened:
        shown = np.asarray(opened, dtype=float)
    redness = shown[..., 0] - shown[..., 2]
    assert shown.shape == (64, 64, 3)
    assert redness[52:60, 4:12].mean() > 100 and abs(redness[:32, 32:].mean()) < 5
