"""Build the jars that the Python package carries, when they are missing or older than their sources.

Run by hatch_build.py (so by pip and ``python -m build``), by scripts/quickstart and by scripts/test.
Needs nothing but the standard library, because a build environment has nothing else.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JARS = ROOT / "python" / "sparkvision" / "jars"
STAMP = JARS / ".sources.sha256"
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


def are_current(expected: str) -> bool:
    """Tell whether the jars were built from the sources with this hash, and are all still there."""
    if not STAMP.is_file():
        return False
    built_from, *names = STAMP.read_text(encoding="utf-8").splitlines()
    return built_from == expected and bool(names) and all((JARS / name).is_file() for name in names)


def build(expected: str) -> None:
    """Run sbt and remember from which sources the jars were made."""
    STAMP.unlink(missing_ok=True)
    subprocess.run([str(ROOT / "scripts" / "sbt"), "wheelJars"], cwd=ROOT, check=True)
    names = sorted(jar.name for jar in JARS.glob("*.jar"))
    STAMP.write_text("\n".join([expected, *names]) + "\n", encoding="utf-8")


def main() -> int:
    """Build the jars if need be and return the exit status."""
    JARS.mkdir(parents=True, exist_ok=True)
    # pip and a script may both want the jars: the second waits, and then finds them current.
    with (JARS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        expected = sources_hash()
        if are_current(expected):
            print("The jars are up to date.", flush=True)
            return 0
        try:
            build(expected)
        except subprocess.CalledProcessError as error:
            print(f"Building the jars failed: scripts/sbt wheelJars exited with {error.returncode}.", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
