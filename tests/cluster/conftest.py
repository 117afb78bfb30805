"""A cluster of separate processes for the tests in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.support.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster.start(tmp_path_factory.mktemp("cluster") / "cluster") as started:
        yield started


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where an application's output goes."""
    return tmp_path / "application.log"
