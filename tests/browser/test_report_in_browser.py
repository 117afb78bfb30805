"""The report of predictions in a browser: found by its filters, readable on every screen, quick with many images."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.browser import chromium
from tests.conftest import EMBEDDED_BUNDLE, FIXTURES

from sparkvision.errors import ImageError
from sparkvision.local import LocalModel
from sparkvision.report import LabelledImage, write_report

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser

HOSTILE = '"><img src=x onerror=document.title=`owned`><script>document.title=`owned`</script>.png'
CARDS_A_PAGE = 24


@pytest.fixture(scope="module")
def labelled(digits: list[Path]) -> list[LabelledImage]:
    """What the embedded model finds in held-out digits, and in files that are damaged."""
    files = [*digits, *sorted((FIXTURES / "corrupt").glob("jpeg_*"))]
    with LocalModel(EMBEDDED_BUNDLE) as model:
        logits = model.logits([str(file) for file in files], on_error="null")
        return [_labelled(model, file, row) for file, row in zip(files, logits, strict=True)]


def _labelled(model: LocalModel, file: Path, logits: Any) -> LabelledImage:
    if np.isnan(logits).any():
        with pytest.raises(ImageError) as refused:
            model.logits([str(file)])
        return LabelledImage(str(file), error=refused.value.reason)
    scores = np.exp(logits - logits.max())
    scores /= scores.sum()
    best = np.argsort(-scores)[:3]
    return LabelledImage(str(file), [(model.labels[i], float(scores[i])) for i in best], truth=file.parent.name)


@pytest.fixture(scope="module")
def report(labelled: list[LabelledImage], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(labelled, tmp_path_factory.mktemp("report") / "report.html", title="Handwritten digits")


@pytest.fixture
def page(browser: Chrome, report: Path) -> Page:
    return Page(browser, report)


class Page:
    """What a reader sees and does."""

    def __init__(self, driver: Chrome, file: Path) -> None:
        self.driver = driver
        chromium.resize(driver, 1280)
        chromium.console(driver)  # what earlier pages wrote
        driver.get(file.as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def choose(self, **values: str) -> None:
        """Set fields of the form as a reader does, who makes the browser tell the page."""
        for name, value in values.items():
            self.run(
                "const field = document.getElementById('filters').elements.namedItem(arguments[0]);"
                "field.value = arguments[1]; field.dispatchEvent(new Event('input', { bubbles: true }));",
                name,
                value,
            )

    def press(self, selector: str, key: str) -> None:
        self.driver.find_element("css selector", selector).send_keys(key)

    @property
    def found(self) -> int:
        """The number of images that the page says it has found."""
        return int(str(self.run("return document.getElementById('found').textContent")).split()[0].replace(",", ""))

    @property
    def names(self) -> list[str]:
        """The paths of the images that are shown."""
        return list(self.run("return [...document.querySelectorAll('.card .name')].map((name) => name.title)"))

    @property
    def text(self) -> str:
        return str(self.run("return document.body.innerText"))


def paths(images: Sequence[LabelledImage], wanted: Callable[[LabelledImage], bool]) -> list[str]:
    return [image.path for image in images if wanted(image)]


def test_images_load_and_the_console_stays_empty(page: Page) -> None:
    time.sleep(0.2)  # data: URIs are decoded aside
    widths = page.run("return [...document.querySelectorAll('.card img')].map((image) => image.naturalWidth)")
    assert len(widths) == CARDS_A_PAGE and min(widths) > 0
    assert chromium.console(page.driver) == []


def test_a_part_of_the_path_finds_images(page: Page, labelled: list[LabelledImage]) -> None:
    page.choose(text="/3/01")
    expected = paths(labelled, lambda image: "/3/01" in image.path)
    assert page.names == expected and 0 < len(expected) < CARDS_A_PAGE


def test_labels_errors_and_wrong_ones_can_be_chosen(page: Page, labelled: list[LabelledImage]) -> None:
    page.choose(label="=7")
    assert page.found == len(paths(labelled, lambda image: image.label == "7")) > 0
    page.choose(label="", show="errors")
    assert page.names == paths(labelled, lambda image: image.error is not None) != []
    page.choose(show="wrong")
    wrong = paths(labelled, lambda image: image.label is not None and image.label != image.truth)
    assert page.names == wrong != []
    assert page.text.count("wrong: it is") == len(wrong)


def test_scores_can_be_limited_and_sorted(page: Page, labelled: list[LabelledImage]) -> None:
    page.choose(**{"from": "0.5", "to": "0.9", "sort": "worst"})
    between = [p for p in labelled if p.scores and 0.5 <= p.scores[0][1] <= 0.9]
    assert page.names == [p.path for p in sorted(between, key=lambda p: p.scores[0][1])][:CARDS_A_PAGE] != []


def test_clearing_shows_all_again(page: Page, labelled: list[LabelledImage]) -> None:
    page.choose(text="nothing is called so")
    assert page.names == [] and page.found == 0
    page.press("button[type=reset]", "\ue007")
    time.sleep(0.1)
    assert page.found == len(labelled)


def test_pages_turn_with_the_keyboard(page: Page, labelled: list[LabelledImage]) -> None:
    page.press("#next", "\ue007")
    assert page.names == [image.path for image in labelled[CARDS_A_PAGE : 2 * CARDS_A_PAGE]]
    page.press("#previous", "\ue00d")
    assert page.names == [image.path for image in labelled[:CARDS_A_PAGE]]


def test_accuracy_and_confusions_are_told_and_lead_to_their_images(page: Page, labelled: list[LabelledImage]) -> None:
    judged = [image for image in labelled if image.label]
    right = [image for image in judged if image.label == image.truth]
    assert f"accuracy: {len(right)} of {len(judged)} best labels are right" in page.text
    cells = page.run("return [...document.querySelectorAll('.matrix button')].map((cell) => cell.title)")
    counts = [re.fullmatch(r"(\d+) images of (.+) labelled (.+)", cell) for cell in cells]
    assert sum(int(count[1]) for count in counts if count) == len(judged)
    wrong = next(p for p in judged if p.label != p.truth)
    page.press(f".matrix button[title$='of {wrong.truth} labelled {wrong.label}']", "\ue007")
    assert page.names == paths(judged, lambda p: (p.truth, p.label) == (wrong.truth, wrong.label))


def test_errors_are_counted_by_reason_and_lead_to_their_images(page: Page, labelled: list[LabelledImage]) -> None:
    reasons = page.run("return [...document.querySelectorAll('.reasons button')].map((row) => row.innerText)")
    assert sum(int(row.split()[-1]) for row in reasons) == len(paths(labelled, lambda p: p.error is not None))
    # With their numbers, as they are.
    errors = {image.error for image in labelled}
    assert all(row.rsplit(maxsplit=1)[0] in errors for row in reasons)
    page.press(".reasons button", "\ue007")
    assert page.found == int(reasons[0].split()[-1])


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out_to_the_side(page: Page, width: int) -> None:
    chromium.resize(page.driver, width)
    page.choose(show="all")
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Page, scheme: str) -> None:
    chromium.colour_scheme(page.driver, scheme)
    try:
        contrasts: dict[str, float] = page.run((Path(__file__).parent / "contrast.js").read_text())
    finally:
        chromium.colour_scheme(page.driver, "light")
    print(f"lowest contrast, {scheme}: {min(contrasts.values()):.1f}")
    # WCAG 2.2, success criterion 1.4.3, level AA.
    assert {text: ratio for text, ratio in contrasts.items() if ratio < 4.5} == {}


def test_hostile_names_labels_and_errors_are_only_text(
    browser: Chrome, labelled: list[LabelledImage], tmp_path: Path
) -> None:
    bad = replace(labelled[0], path=f"folder/{HOSTILE}", content=Path(labelled[0].path).read_bytes())
    rows = [
        replace(bad, scores=[("</script><script>document.title='owned'</script>", 0.5)], truth="<!--<script>"),
        LabelledImage("__proto__", error="<img src=x onerror=document.title='owned'>"),
        LabelledImage("regression", [("value", -3.5)]),
    ]
    page = Page(browser, write_report(rows, tmp_path / "report.html", title="<b>mine</b>\u2028"))
    time.sleep(0.2)
    assert page.run("return document.title").strip() == "<b>mine</b>"
    assert page.names == [row.path for row in rows]
    assert page.run("return document.querySelectorAll('script').length") == 2
    assert page.run("return document.querySelectorAll('.card img').length") == 1
    assert chromium.console(page.driver) == []


def test_a_cut_list_is_told(browser: Chrome, labelled: list[LabelledImage], tmp_path: Path) -> None:
    page = Page(browser, write_report(labelled, tmp_path / "report.html", max_images=30))
    assert f"30 of 30 images. The page has the first ones of {len(labelled)} images." in page.text
    assert page.run("return document.querySelector('#tiles strong').textContent") == str(len(labelled))


def test_ten_thousand_images_are_quick(browser: Chrome, labelled: list[LabelledImage], tmp_path: Path) -> None:
    good = [replace(p, content=Path(p.path).read_bytes()) for p in labelled if not p.error]
    many = [replace(good[i % len(good)], path=f"{i:05d}{good[i % len(good)].path}") for i in range(10_000)]
    file = write_report(many, tmp_path / "report.html")
    start = time.monotonic()
    page = Page(browser, file)
    assert page.found == 10_000 and len(page.names) == CARDS_A_PAGE
    opened = time.monotonic() - start
    start = time.monotonic()
    page.choose(text="00777")
    assert len(page.names) == 1
    filtered = time.monotonic() - start
    size = file.stat().st_size / 1e6
    print(f"10,000 images, {size:.0f} MB: gallery after {opened:.2f} s, filtered after {filtered:.2f} s")
    # Some 0.4 s and 0.1 s on two cores; machines that do much else besides take several times as long.
    assert size < 45 and opened < 5 and filtered < 1
