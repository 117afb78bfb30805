"""What all Python tests share: pictures, checkpoints and their bundles."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sparkvision.export import ExportReport

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
SHARED_IMAGES = ROOT.parent / "shared" / "images"


@pytest.fixture(scope="session")
def photos() -> list[Path]:
    """Twenty real pictures."""
    return sorted(file for file in (FIXTURES / "photos").iterdir() if file.is_file())


@pytest.fixture(scope="session")
def digits() -> list[Path]:
    """The held-out pictures of handwritten digits, in folders named by their true labels."""
    return sorted((FIXTURES / "digits").glob("*/*.png"))


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Ordinary Hugging Face folders of two sizes."""
    from make_checkpoint import make_checkpoint

    folder = tmp_path_factory.mktemp("checkpoints")
    return {size: make_checkpoint(folder / size, size=size) for size in ("vit-tiny", "vit-base")}


@pytest.fixture(scope="session")
def bundles(checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The checkpoints, exported."""
    from sparkvision.export import export

    folder = tmp_path_factory.mktemp("bundles")
    for size, checkpoint in checkpoints.items():
        export(str(checkpoint), str(folder / size))
    return {size: folder / size for size in checkpoints}


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make the tiny checkpoint of an architecture, with random weights: at the first call, for all tests."""
    import torch

    from make_checkpoint import make

    # Beside other work, threads that wait for each other cost such small models more than they bring.
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny")
    return cache(lambda architecture: make(architecture, folder / architecture))


@pytest.fixture(scope="session")
def tiny_export(
    tiny_checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], ExportReport]:
    """Export that checkpoint for a task: at the first call, for all tests."""
    from sparkvision.export import export

    folder = tmp_path_factory.mktemp("tiny")
    return cache(
        lambda architecture, task: export(
            tiny_checkpoint(architecture), folder / task / architecture, task=task, progress=None
        )
    )
