"""The projects in examples/: a user's own builds, on artifacts from a Maven repository."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from catalogue.images import make_catalogue
from catalogue.scoring import Truth, score
from tests.packaging.conftest import ROOT, VERSION, run

pytestmark = [pytest.mark.packaging, pytest.mark.network]

# What examples/catalogue/run.py chooses: the page on it has the command with it.
(THRESHOLD,) = re.findall(r"\.\./models ([\d.]+)\"", (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8"))


@pytest.fixture
def images(copied_digits: Path, tmp_path: Path) -> Path:
    """Ten images, one of each digit, named by it."""
    folder = tmp_path / "images"
    folder.mkdir()
    for digit in range(10):
        shutil.copy(sorted((copied_digits / str(digit)).iterdir())[0], folder / f"{digit}.png")
    return folder


def copied_project(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=shutil.ignore_patterns("target")))


def labels(output: str) -> dict[str, str]:
    """The labels that the program printed, by the name of the image; sbt writes its own words before each line."""
    lines = [line.split() for line in output.splitlines() if ".png " in line]
    return {Path(path).stem: label for *_, path, label in lines}


def test_the_sbt_project_labels_images(maven_repository: Path, images: Path, tmp_path: Path) -> None:
    environment = os.environ | {"SBT_OPTS": f"-Dmaven.repo.local={maven_repository} -Dsbt.color=false"}
    project = copied_project("sbt-project", tmp_path)
    output = run(ROOT / "scripts" / "sbt", f"run {images}", cwd=project, env=environment)
    assert labels(output) == {str(digit): str(digit) for digit in range(10)}


def test_the_catalogue_in_scala_groups_duplicates(maven_repository: Path, tmp_path: Path) -> None:
    truth = Truth.read(make_catalogue(tmp_path / "catalogue"))
    environment = os.environ | {"SBT_OPTS": f"-Dmaven.repo.local={maven_repository} -Dsbt.color=false"}
    models = ROOT / "examples" / "catalogue" / "models"
    project = copied_project("catalogue/scala", tmp_path)
    run(ROOT / "scripts" / "sbt", f"run {tmp_path / 'catalogue'} {models} {THRESHOLD}", cwd=project, env=environment)
    files = (tmp_path / "catalogue" / "scala-groups").glob("*.json")
    found = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    judged = [row for row in found if truth.half(row["page"]) == "judged"]
    shown = {row["id"]: truth.shown(row["page"], row["box"]) for row in judged}
    sources = {name: product.source if product else name for name, product in shown.items()}
    result = score({row["id"]: row["group"] for row in judged}, sources, truth.pairs("judged"))
    print(f"\n{result}")
    assert result.precision >= 0.95 and result.recall >= 0.8


def test_the_maven_project_labels_images(maven_repository: Path, images: Path, tmp_path: Path) -> None:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    # Maven keeps what it fetches in the first repository; SparkVision, which it never keeps there, is in the second.
    # sbt has most of the rest, in a cache that is laid out as a repository.
    settings = tmp_path / "settings.xml"
    (fetched_by_sbt,) = (cache / "coursier" / "v1" / "https").glob("*/maven2")
    settings.write_text(SETTINGS.format(sbt=fetched_by_sbt), encoding="utf-8")
    repositories = [
        f"-Dmaven.repo.local={cache / 'sparkvision' / 'maven'}",
        f"-Dmaven.repo.local.tail={maven_repository}",
    ]
    goals: list[str | Path] = [
        "--batch-mode",
        "--quiet",
        "--settings",
        settings,
        "compile",
        "exec:exec",
        f"-Dimages={images}",
    ]
    project = copied_project("maven-project", tmp_path)
    output = run(Path(__file__).with_name("mvn"), *repositories, *goals, cwd=project)
    assert labels(output) == {str(digit): str(digit) for digit in range(10)}


SETTINGS = """
<settings>
  <profiles>
    <profile>
      <id>what-sbt-has-fetched</id>
      <repositories>
        <repository>
          <id>sbt</id><url>file://{sbt}</url>
          <releases><checksumPolicy>ignore</checksumPolicy></releases><snapshots><enabled>false</enabled></snapshots>
        </repository>
      </repositories>
    </profile>
  </profiles>
  <activeProfiles><activeProfile>what-sbt-has-fetched</activeProfile></activeProfiles>
</settings>
"""


@pytest.mark.parametrize("file", ["sbt-project/build.sbt", "maven-project/pom.xml", "catalogue/scala/build.sbt"])
def test_the_sample_projects_name_this_version(file: str) -> None:
    assert VERSION in (ROOT / "examples" / file).read_text(encoding="utf-8")
