"""The quickstart's checkpoint: made once, and never taken for made when it was interrupted."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.conftest import ROOT


def make_checkpoint(folder: Path, after_config: str) -> int:
    """Run the quickstart's function with a Python that writes config.json, and then does what is asked."""
    function = re.search(r"^make_checkpoint\(\) \{.*?^\}$", (ROOT / "scripts" / "quickstart").read_text(), re.M | re.S)
    assert function is not None
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nmkdir -p "$2" && touch "$2/config.json" && cd "$2" && {after_config}\n')
    python.chmod(0o755)
    script = f"checkpoint=build/vit-base\nvenv_python={python}\n{function.group()}\nmake_checkpoint"
    return subprocess.run(["bash", "-c", script], cwd=folder, timeout=30).returncode


def test_an_interrupted_checkpoint_is_made_anew(tmp_path: Path) -> None:
    assert make_checkpoint(tmp_path, "exit 1") != 0
    assert not (tmp_path / "build" / "vit-base").exists()
    assert make_checkpoint(tmp_path, "touch model.safetensors") == 0
    assert (tmp_path / "build" / "vit-base" / "model.safetensors").is_file()


def test_a_whole_checkpoint_is_kept(tmp_path: Path) -> None:
    assert make_checkpoint(tmp_path, "touch model.safetensors") == 0
    assert make_checkpoint(tmp_path, "exit 1") == 0
    assert (tmp_path / "build" / "vit-base" / "model.safetensors").is_file()
