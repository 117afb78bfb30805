"""The documentation site builds without a warning, and loads nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ROOT

from sparkvision import ml

# What a page loads by itself. Links that a reader follows may lead to any address.
LOADED = re.compile(r"""<(?:script|img|iframe)[^>]*\ssrc=["']?([^"'\s>]+)|<link[^>]*\shref=["']?([^"'\s>]+)""")
LOADED_BY_STYLES = re.compile(r"""@import\s*["']([^"']+)|url\(["']?([^"')]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site. A dead link or anchor, or a page that is not in the navigation, fails a strict build."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_of_the_folder_is_built(site: Path) -> None:
    sources = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert len(sources) > 10
    assert [page for page in sorted(sources) if not (site / page).is_file()] == []


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = [
        (file.name, "".join(address))
        for pattern, kind in ((LOADED, "*.html"), (LOADED_BY_STYLES, "*.css"))
        for file in site.rglob(kind)
        for address in pattern.findall(file.read_text())
    ]
    assert len(loaded) > 100
    assert [found for found in loaded if re.match(r"(https?:)?//", found[1])] == []


def test_the_api_reference_contains_every_stage(site: Path) -> None:
    page = (site / "api" / "ml.html").read_text(encoding="utf-8")
    assert [name for name in ml.__all__ if f'id="sparkvision.ml.{name}"' not in page] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_links_of_the_files_beside_the_site_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / name).read_text())
    assert links
    assert [link for link in links if not re.match("https?:", link) and not (ROOT / link).exists()] == []
