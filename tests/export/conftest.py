"""One small checkpoint and one export of it, shared by the tests of the exporter."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from sparkvision.export import ExportReport, export

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def digits() -> Path:
    """Real images, committed: handwritten threes."""
    return ROOT / "tests" / "fixtures" / "digits" / "3"


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ViT of tiny width for images of 32x32, with seven labels."""
    # Beside other work, threads that wait for each other cost such small models more than they bring.
    torch.set_num_threads(1)
    from make_checkpoint import make_checkpoint

    folder = tmp_path_factory.mktemp("checkpoint") / "vit"
    return make_checkpoint(folder, "vit-tiny", labels=7, image_size=32, patch_size=8)


@pytest.fixture(scope="session")
def exported(
    checkpoint: Path, digits: Path, export_lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> ExportReport:
    """The bundle of that checkpoint, compared on real images."""
    folder = tmp_path_factory.mktemp("exported") / "bundle"
    return export(checkpoint, folder, images=digits, progress=export_lines.append)


@pytest.fixture(scope="session")
def export_lines() -> list[str]:
    """The lines that the export of `exported` printed."""
    return []


@pytest.fixture
def checkpoint_copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint that a test may damage."""
    return Path(shutil.copytree(checkpoint, tmp_path / "checkpoint"))


@pytest.fixture
def bundle_copy(exported: ExportReport, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may damage."""
    return Path(shutil.copytree(exported.bundle.folder, tmp_path / "bundle"))
