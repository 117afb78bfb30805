"""MiMa holds this version's classes against an earlier one's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.packaging.conftest import ROOT, VERSION, run

pytestmark = [pytest.mark.packaging, pytest.mark.network]

EARLIER = "0.0.1-earlier"


@pytest.fixture
def earlier_engine(maven_repository: Path, tmp_path: Path) -> str:
    """This version's engine published as an earlier one, with a class that this version has not."""
    (tmp_path / "Gone.java").write_text("package sparkvision.engine; public class Gone {}\n", encoding="utf-8")
    run("javac", "--release", "17", tmp_path / "Gone.java", cwd=tmp_path)
    name = "sparkvision-engine_2.13"
    artifact = maven_repository / "io" / "github" / "sparkvision" / name
    (artifact / EARLIER).mkdir()
    target = artifact / EARLIER / f"{name}-{EARLIER}"
    shutil.copy(artifact / VERSION / f"{name}-{VERSION}.jar", f"{target}.jar")
    with ZipFile(f"{target}.jar", "a") as jar:
        jar.write(tmp_path / "Gone.class", "sparkvision/engine/Gone.class")
    pom = (artifact / VERSION / f"{name}-{VERSION}.pom").read_text(encoding="utf-8")
    changed = pom.replace(f"<version>{VERSION}</version>", f"<version>{EARLIER}</version>", 1)
    Path(f"{target}.pom").write_text(changed, encoding="utf-8")
    return EARLIER


def test_a_class_that_is_gone_is_reported_and_nothing_else(maven_repository: Path, earlier_engine: str) -> None:
    options = f"-Dmaven.repo.local={maven_repository} -Dsparkvision.previous={earlier_engine}"
    found = subprocess.run(
        [ROOT / "scripts" / "sbt", "engine/mimaReportBinaryIssues"],
        cwd=ROOT,
        env=os.environ | {"SBT_OPTS": options},
        capture_output=True,
        text=True,
    )
    assert found.returncode != 0
    assert "class sparkvision.engine.Gone does not have a correspondent in current version" in found.stdout
    assert "Found 1 potential problem" in found.stdout, found.stdout
