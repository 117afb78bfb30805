"""The catalogue example as a user runs it: what it prints, and the page that it writes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

# On the half of the photos that the threshold was not chosen on.
LEAST_PRECISION = 0.95
LEAST_RECALL = 0.8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("catalogue")


@pytest.fixture(scope="module")
def printed(folder: Path) -> list[str]:
    command = [sys.executable, str(ROOT / "examples" / "catalogue" / "run.py"), "--folder", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    print("\n" + run.stdout)
    return run.stdout.splitlines()


def test_duplicates_are_found_with_the_promised_precision_and_recall(printed: list[str]) -> None:
    found = re.fullmatch(r"precision (\S+) recall (\S+)", printed[-1])
    assert found is not None, printed[-1]
    assert float(found[1]) >= LEAST_PRECISION
    assert float(found[2]) >= LEAST_RECALL


def test_the_documentation_states_what_is_printed(printed: list[str]) -> None:
    page = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    stated = [float(figure) for figure in re.findall(r"^\| .* \| ([\d.]+) \|$", page, re.MULTILINE)]
    products, threshold, *_, last = printed[-4:]
    found = re.match(r"(\d+) products found of (\d+); (\d+) are none", products)
    judged = re.fullmatch(r"precision (\S+) recall (\S+)", last)
    assert found is not None and judged is not None
    measured = [
        int(found[2]),
        int(found[1]) - int(found[3]),
        float(threshold.split()[1].rstrip(",")),
        *map(float, judged.groups()),
    ]
    # Processors round differently, and a group more or less is a few hundredths of recall.
    assert measured[:2] == pytest.approx(stated[:2], abs=5)
    assert measured[2:] == pytest.approx(stated[2:], abs=0.06)


def test_the_page_shows_nearest_images_and_groups(printed: list[str], folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Images and their nearest images" in page and "Groups of duplicates" in page
    assert page.count("data:image/jpeg") > 100
    assert "no image" not in page and "not in the table" not in page
