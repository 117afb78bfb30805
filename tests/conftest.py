"""What all Python tests share: pictures, checkpoints and their bundles."""

from __future__ import annotations

from pathlib import Path

import pytest

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
