"""One release, built as a publisher would build it, for all packaging tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSION = (ROOT / "VERSION").read_text(encoding="utf-8").strip()


class Distributions(NamedTuple):
    """The sdist, and the wheels by platform."""

    sdist: Path
    wheels: dict[str, Path]

    @property
    def wheel(self) -> Path:
        """The wheel that runs here."""
        return self.wheels["linux-x86_64"]


class Release(NamedTuple):
    distributions: Distributions
    maven_repository: Path


def sources() -> set[str]:
    """Return the names of the files of the Python package, relative to its folder, without jars and caches."""
    folder = ROOT / "python" / "sparkvision"
    files = {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()}
    return {file.as_posix() for file in files if file.parts[0] != "jars" and "__pycache__" not in file.parts}


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run a command; its output is returned, and shown in full when it fails."""
    result = subprocess.run([str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True)
    assert result.returncode == 0, f"{command[0]} exited with {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def fresh_environment(folder: Path, *requirements: str | Path) -> Path:
    """The Python of a new environment with these requirements; without pip and uncompiled, which saves time."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    if requirements:
        run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile", *requirements)
    return python


def packages_of(python: Path) -> Path:
    """The folder of an environment's packages."""
    return Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())


def share(python: Path, packages: Path) -> None:
    """Let an environment find in another's packages what it does not have itself."""
    (packages_of(python) / "shared.pth").write_text(f"{packages}\n", encoding="utf-8")


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """What scripts/build_packages.py builds; the Maven repository lies in a home directory of its own."""
    folder = tmp_path_factory.mktemp("dist")
    repository = tmp_path_factory.mktemp("home") / ".m2" / "repository"
    run(sys.executable, ROOT / "scripts" / "build_packages.py", "--out", folder, "--maven", repository)
    (sdist,) = folder.glob("*.tar.gz")
    suffixes = {"linux-x86_64": "linux*_x86_64", "linux-aarch64": "linux*_aarch64", "macos-arm64": "macosx*_arm64"}
    wheels = {platform: next(folder.glob(f"*{suffix}.whl")) for platform, suffix in suffixes.items()}
    return Release(Distributions(sdist, wheels), repository)


@pytest.fixture(scope="session")
def distributions(release: Release) -> Distributions:
    return release.distributions


@pytest.fixture(scope="session")
def maven_repository(release: Release) -> Path:
    return release.maven_repository


@pytest.fixture(scope="session")
def installed(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment that holds the wheel and the newest of everything it asks for."""
    return fresh_environment(tmp_path_factory.mktemp("installed") / "venv", distributions.wheel)


@pytest.fixture(scope="session")
def copied_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The held-out digits, in folders named by their true labels, copied away from the repository."""
    folder = tmp_path_factory.mktemp("images") / "digits"
    shutil.copytree(ROOT / "tests" / "fixtures" / "digits", folder)
    return folder


def user_environment() -> dict[str, str]:
    """This process's environment, less what points into the repository or its own Python."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "SPARK_", "PYSPARK_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
