"""What `scripts/cluster` refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cluster.support import command as cluster_command
from tests.cluster.support.cluster import SAVED


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cluster_command, "FOLDER", tmp_path)
    return tmp_path


def test_a_second_cluster_is_refused_and_the_first_ones_folder_left_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / SAVED).write_text("{}")
    assert cluster_command.main(["start"]) == 1
    assert "A cluster runs already: stop it with `scripts/cluster stop`." in capsys.readouterr().err
    assert (folder / SAVED).exists()


@pytest.mark.parametrize("command", [["stop"], ["submit", "application.py"]])
def test_without_a_cluster_it_says_how_to_start_one(
    command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cluster_command.main(command) == 1
    assert "scripts/cluster start" in capsys.readouterr().err
