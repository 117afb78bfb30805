"""Build the jars that the Python package carries, when they are missing or older than their sources.

Run by hatch_build.py (so by pip and ``python -m build``), by scripts/quickstart, scripts/test and
scripts/build_packages.py. Needs nothing but the standard library, because a build environment has nothing else.

Usage: build_jars.py [PLATFORM...] [--also SBT_COMMAND]
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from platforms import jars_folder, own_platform

ROOT = Path(__file__).resolve().parent.parent
STAMP = ".sources.sha256"
SOURCES = ("VERSION", "LICENSE", "build.sbt", "project/*.*", "jvm/*/src/main/**/*", "jvm/licenses/**/*")


def source_files() -> Iterator[Path]:
    """Yield, sorted, every file from which the jars are made."""
    found = {path for pattern in SOURCES for path in ROOT.glob(pattern) if path.is_file()}
    return iter(sorted(found))


def sources_hash() -> str:
    """Return the sha256 of the names and contents of all sources: a checkout changes times, but not this."""
    digest = hashlib.sha256()
    for path in source_files():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(ROOT).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def are_current(jars: Path, expected: str) -> bool:
    """Return whether the jars in a folder were built from the sources with this hash, and are all still there."""
    if not (jars / STAMP).is_file():
        return False
    built_from, *names = (jars / STAMP).read_text(encoding="utf-8").splitlines()
    return built_from == expected and bool(names) and all((jars / name).is_file() for name in names)


def build(platforms: list[str], expected: str, also: str | None) -> None:
    """Run sbt, once, and remember from which sources the jars were made."""
    folders = {platform: ROOT / jars_folder(platform) for platform in platforms}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / STAMP).unlink(missing_ok=True)
    commands = [f"wheelJars {platform} {jars_folder(platform)}" for platform in platforms]
    subprocess.run([str(ROOT / "scripts" / "sbt"), *commands, *filter(None, [also])], cwd=ROOT, check=True)
    for folder in folders.values():
        names = sorted(jar.name for jar in folder.glob("*.jar"))
        (folder / STAMP).write_text("\n".join([expected, *names]) + "\n", encoding="utf-8")


def main() -> int:
    """Build the jars if need be and return the exit status."""
    parser = argparse.ArgumentParser(description="Build the jars that the Python package carries.")
    parser.add_argument("platforms", nargs="*", metavar="PLATFORM", help="whose natives (default: this machine's)")
    parser.add_argument("--also", metavar="SBT_COMMAND", help="run this too, in the same sbt")
    options = parser.parse_args()
    try:
        platforms = options.platforms or [own_platform()]
        lock_file = ROOT / jars_folder(own_platform()) / ".lock"
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    # pip and a script may both want the jars: the second waits, and then finds them current.
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        expected = sources_hash()
        stale = [platform for platform in platforms if not are_current(ROOT / jars_folder(platform), expected)]
        if not stale and not options.also:
            print("The jars are up to date.", flush=True)
            return 0
        try:
            build(stale, expected, options.also)
        except subprocess.CalledProcessError as error:
            print(f"Building the jars failed: scripts/sbt wheelJars exited with {error.returncode}.", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
