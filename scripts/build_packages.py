"""Build everything that a release publishes: the sdist, a wheel for each platform and the Maven artifacts.

All but the sdist are made from the unpacked sdist, which shows that it is complete, in one run of sbt. Natives are
only copied, so one machine makes every platform's wheel.

Usage: build_packages.py [--out FOLDER] [--platform NAME]... [--maven REPOSITORY]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from platforms import WHEEL_TAGS

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str, cwd: Path, **environment: str) -> None:
    """Run a command, shown as it goes; `CalledProcessError` when it fails."""
    subprocess.run(command, cwd=cwd, env=os.environ | environment, check=True)


def build(out: Path, platforms: list[str], maven: Path | None) -> None:
    """Build into ``out``, and publish the Maven artifacts into the repository ``maven`` if there is one."""
    hatchling = (sys.executable, "-m", "hatchling", "build", "--directory", str(out), "--target")
    run(*hatchling, "sdist", cwd=ROOT)
    (sdist,) = out.glob("sparkvision-*.tar.gz")
    with tempfile.TemporaryDirectory() as temporary:
        with tarfile.open(sdist) as archive:
            archive.extractall(temporary, filter="data")
        (tree,) = Path(temporary).iterdir()
        jars = [sys.executable, "scripts/build_jars.py", *platforms]
        if maven is None:
            run(*jars, cwd=tree)
        else:
            options = f"{os.environ.get('SBT_OPTS', '')} -Dmaven.repo.local={maven.resolve()}"
            run(*jars, "--also", "publishM2", cwd=tree, SBT_OPTS=options)
        for platform in platforms:
            run(*hatchling, "wheel", cwd=tree, SPARKVISION_PLATFORM=platform)


def main() -> int:
    """Build and return the exit status."""
    parser = argparse.ArgumentParser(description="Build the sdist, the wheels and the Maven artifacts.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where sdist and wheels go (default: dist)")
    parser.add_argument(
        "--platform", action="append", choices=list(WHEEL_TAGS), help="a wheel's platform (default: all of them)"
    )
    parser.add_argument(
        "--maven", type=Path, metavar="REPOSITORY", help="publish the Maven artifacts there (default: not)"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        build(options.out.resolve(), options.platform or list(WHEEL_TAGS), options.maven)
    except subprocess.CalledProcessError as error:
        print(f"build_packages: {' '.join(error.cmd)} exited with {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
