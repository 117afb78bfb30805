"""The page of a verification: one file that says it all, harmless whatever the images and labels are called."""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from tests.browser import chromium

from sparkvision.export import ExportReport
from sparkvision.verify import TopLabel, VerifyReport, verify, verify_page

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
# No slash: it is a file's name.
HOSTILE = '"><img src=x onerror=document.title=`owned`><script>document.title=`owned`<script>.png'
BROWSER = chromium.browser()
needs_browser = pytest.mark.skipif(BROWSER is None, reason="needs a browser")


class Page(HTMLParser):
    """The elements of a page with their attributes, its tables cell by cell, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.text = ""
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_cell:
            self.tables[-1][-1][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def report(
    exported: ExportReport, checkpoint: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory
) -> VerifyReport:
    """Six images with other weights, one of them with a hostile name; one file of each kind of refusal."""
    from make_checkpoint import make_checkpoint

    images = tmp_path_factory.mktemp("images")
    for file in sorted(digits.iterdir())[:5]:
        shutil.copy(file, images)
    photo = FIXTURES / "photos" / "cat_chelsea.png"
    shutil.copy(photo, images / HOSTILE)
    with Image.open(photo) as opened:
        opened.convert("RGB").save(images / "cat.ppm")
    (images / "notes & <b>remarks.txt").write_text("not an image")
    other = make_checkpoint(tmp_path_factory.mktemp("other"), "vit-tiny", labels=7, seed=1, image_size=32, patch_size=8)
    return verify(exported.bundle.folder, other, images)


@pytest.fixture(scope="module")
def html(report: VerifyReport) -> str:
    return verify_page.verify_page(report)


def test_images_stand_in_the_reports_order_with_their_numbers(report: VerifyReport, html: str) -> None:
    _, images, _ = Page(html).tables
    header, *rows = images
    assert header[:3] == ["Image", "Name", "Logits"] and header[-2:] == ["SparkVision", "transformers"]
    assert [row[1] for row in rows] == [difference.name for difference in report.differences]
    worst = report.differences[0]
    assert rows[0][2] == f"{worst.logits:.2g}above tolerance"
    assert rows[0][5].startswith(f"{worst.sparkvision.label} ({worst.sparkvision.score:.4f})")
    assert rows[0][6] == f"{worst.transformers.label} ({worst.transformers.score:.4f})"


def test_the_verdict_and_what_was_compared_are_told(report: VerifyReport, html: str) -> None:
    text = Page(html).text
    assert "FAILED: on 6 of 6 images a logit differs by more than 0.001; 1 file refused by one side only" in text
    for fact in (report.bundle, report.checkpoint, report.images, *report.versions.values(), *report.machine.values()):
        assert fact in text


def test_refusals_by_one_side_come_first_and_by_both_last(report: VerifyReport, html: str) -> None:
    one_sided, _, by_both = Page(html).tables
    assert [row[0] for row in one_sided[1:]] == ["cat.ppm"] and one_sided[1][2] == "reads it"
    assert [row[0] for row in by_both[1:]] == ["notes & <b>remarks.txt"]
    assert by_both[1][2] == "Pillow does not recognise an image"


def test_hostile_names_and_labels_are_only_text(report: VerifyReport) -> None:
    label = "<script>alert(1)</script>"
    worst = replace(report.differences[0], sparkvision=TopLabel(label, 0.5))
    found = Page(
        verify_page.verify_page(
            replace(report, differences=(worst, *report.differences[1:]), bundle="<i>my</i>\x1b[31m")
        )
    )
    assert found.all("script") == found.all("b") == found.all("i") == []
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    assert label in found.text and HOSTILE in found.text and "<i>my</i>\ufffd[31m" in found.text


def test_nothing_is_loaded_from_elsewhere(html: str) -> None:
    found = Page(html)
    assert {tag for tag, _ in found.elements} & {"script", "link", "iframe", "object", "base", "a"} == set()
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") for image in found.all("img"))
    assert "url(" not in html and "@import" not in html
    policies = [meta["content"] for meta in found.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_thumbnails_are_small_images_with_a_name(report: VerifyReport, html: str) -> None:
    images = Page(html).all("img")
    assert [image["alt"] for image in images] == [difference.name for difference in report.differences]
    for image in images:
        with Image.open(io.BytesIO(base64.b64decode(str(image["src"]).partition(",")[2]))) as opened:
            assert max(opened.size) <= 144
            if image["alt"] == HOSTILE:
                assert opened.size == (144, 96)  # of 451 x 300


def test_headers_say_what_they_head(html: str) -> None:
    found = Page(html)
    assert found.all("html")[0]["lang"] == "en"
    assert {header.get("scope") for header in found.all("th")} == {"col", "row"}


def test_an_image_that_has_gone_leaves_its_row(report: VerifyReport, tmp_path: Path) -> None:
    found = Page(verify_page.verify_page(replace(report, images=str(tmp_path))))
    assert found.all("img") == [] and len(found.tables[1]) == 7
    assert found.tables[1][1][0] == "not readable any more"


def test_a_long_list_is_cut_and_the_page_says_so(report: VerifyReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_page, "MOST_ROWS", 2)
    found = Page(verify_page.verify_page(report))
    assert len(found.tables[1]) == 1 + 2 and len(found.all("img")) == 2
    assert "The first 2 of 6 are shown; the JSON beside this page has all." in found.text


@pytest.mark.browser
@needs_browser
def test_a_browser_runs_nothing(html: str, tmp_path: Path) -> None:
    dom = browse(html, tmp_path, "--dump-dom").decode()
    assert "<title>Failed: " in dom and dom.count("<script") == 0
    assert dom.count("<img ") == 6 and dom.count("onerror") == html.count("onerror")


@pytest.mark.browser
@needs_browser
def test_a_browser_shows_it_dark_and_light(html: str, tmp_path: Path) -> None:
    for scheme, ground in ((0, (21, 23, 27)), (1, (255, 255, 255))):
        shot = tmp_path / f"{scheme}.png"
        browse(html, tmp_path, f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={shot}")
        with Image.open(shot) as opened:
            assert opened.convert("RGB").getpixel((2, 2)) == ground
            assert len(opened.convert("RGB").getcolors(1 << 24) or ()) > 100


def browse(html: str, folder: Path, *options: str) -> bytes:
    (folder / "report.html").write_text(html, encoding="utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    headless = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", profile]
    done = subprocess.run([*headless, *options, (folder / "report.html").as_uri()], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
