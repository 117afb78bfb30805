"""The code of the getting-started pages, the README and the command line's page runs as it stands there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import FIXTURES, ROOT

pytestmark = pytest.mark.slow

PAGES = [ROOT / "docs" / "getting-started" / name for name in ("install.md", "first-job.md", "own-model.md")]
PAGES += [ROOT / "README.md", ROOT / "docs" / "cli.md"]


def test_the_pages_run_one_after_the_other(tiny_checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "tests" / "fixtures").mkdir(parents=True)
    (tmp_path / "tests" / "fixtures" / "digits").symlink_to(FIXTURES / "digits")
    (tmp_path / "path" / "to").mkdir(parents=True)
    for name in ("my-checkpoint", "path/to/checkpoint"):
        (tmp_path / name).symlink_to(tiny_checkpoint("ViTForImageClassification"))
    shutil.copy(FIXTURES / "photos" / "cat_chelsea.png", tmp_path / "cat.jpg")
    (tmp_path / "photos").mkdir()
    for name in ("cat_chelsea.png", "jpeg_hopper_rgb.jpg", "webp_lossy.webp"):
        (tmp_path / "photos" / name).symlink_to(FIXTURES / "photos" / name)
    command = [sys.executable, str(ROOT / "tests" / "docs" / "run_pages.py"), *map(str, PAGES)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=400)
    assert run.returncode == 0, run.stdout + run.stderr[-3000:]
    print("\n" + run.stdout)
    assert (tmp_path / "labels.parquet").is_dir()
    # What README and cli.md wrote.
    assert (tmp_path / "predictions.csv").is_file() and (tmp_path / "report.html").is_file()
    assert (tmp_path / "models" / "my-vit" / "1" / "sparkvision.json").is_file()
