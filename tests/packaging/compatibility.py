"""Try an installed wheel under several Pythons and Sparks, and write the results to docs/compatibility.md.

Each combination has a fresh virtual environment with the wheel and that pyspark. label_digits.py (a pipeline, the SQL
function and the metrics) runs in it in a classic session and over Spark Connect, and then the commands that start
Spark. An interpreter is found on the PATH as python3.X, or among those of pyenv.

Usage: scripts/compatibility [--python 3.X]... [--pyspark VERSION]... [--wheel WHEEL] | --write-page
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "compatibility.jsonl"
PAGE = ROOT / "docs" / "compatibility.md"
BEGIN = "<!-- results: written by scripts/compatibility -->"
END = "<!-- end of results -->"

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
NEWEST = "newest"
# The oldest that works, the one in .venv, the first that keeps functions elsewhere, and what pip takes by itself.
PYSPARKS = ("4.0.1", "4.1.1", "4.2.0", NEWEST)
WORKS = "works"
RIGHT = 0.97  # of the labels, at least

DIGITS = ROOT / "tests" / "fixtures" / "digits"
EMBEDDER = ROOT / "examples" / "catalogue" / "models" / "embedder"
CLASSIFY = ("classify", str(DIGITS), "--out", "predictions.csv", "--report", "report.html")
COMMANDS = (
    CLASSIFY,
    ("embed", str(DIGITS / "3"), "--model", str(EMBEDDER), "--out", "embeddings.parquet"),
    ("bench", "--images", "8"),
    ("doctor",),
)


class Result(NamedTuple):
    """What came out of one combination: `WORKS`, or the reason why not, of each way to use it."""

    python: str
    pyspark: str
    classic: str
    connect: str
    commands: str

    @property
    def works(self) -> bool:
        """Return whether every step of every way worked."""
        return (self.classic, self.connect, self.commands) == (WORKS, WORKS, WORKS)


def interpreter(version: str) -> Path | None:
    """Find a Python of a version; None when this machine has none."""
    on_path = shutil.which(f"python{version}")
    candidates = [on_path] if on_path else []
    candidates += sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))
    for candidate in candidates:
        asked = subprocess.run([candidate, "-c", "import ssl, sqlite3, venv"], capture_output=True, check=False)
        if asked.returncode == 0:
            return Path(candidate)
    return None


def build_wheel(folder: Path) -> Path:
    """Build this machine's wheel."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def run(command: Sequence[str | Path], folder: Path, **environment: str) -> tuple[bool, str]:
    """Run a command in a folder; whether it worked, and its last line or its last complaint, which is shown in full."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "SPARK_", "PYSPARK_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    done = subprocess.run(command, cwd=folder, env=kept | environment, capture_output=True, text=True, check=False)
    worked = done.returncode == 0
    if not worked:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
    lines = [line for line in (done.stdout if worked else done.stderr or done.stdout).splitlines() if line.strip()]
    return worked, lines[-1].strip() if lines else f"exit status {done.returncode}"


def session(python: Path, folder: Path, *options: str, **environment: str) -> str:
    """Run tests/packaging/label_digits.py with an environment's Python; `WORKS` or what went wrong."""
    worked, last = run([python, Path(__file__).with_name("label_digits.py"), DIGITS, *options], folder, **environment)
    if not worked:
        return last[:200]
    report = json.loads(last)
    for name in ("right", "right_in_sql"):
        if report["images"] == 0 or report[name] / report["images"] < RIGHT:
            return f"{name}: {report[name]} of {report['images']} labels"
    if report["counted"] < 2 * report["images"]:
        return f"the metrics know {report['counted']} images, of 2 times {report['images']}"
    return WORKS


def commands(python: Path, folder: Path, which: Sequence[Sequence[str]] = COMMANDS) -> str:
    """Run commands of the command line, `CLASSIFY` among them; `WORKS` or what went wrong."""
    for command in which:
        worked, last = run([python, "-m", "sparkvision.cli", *command], folder)
        if not worked:
            return f"{command[0]}: {last}"[:200]
    with (folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    right = sum(row["label"] == Path(row["path"]).parent.name for row in rows)
    if not rows or right / len(rows) < RIGHT:
        return f"classify: {right} of {len(rows)} labels are right"
    return WORKS if (folder / "report.html").is_file() else "classify: it has written no report.html"


def tried(python: str, pyspark: str, wheel: Path) -> Result | None:
    """Try one combination; None when there is no such interpreter here."""
    found = interpreter(python)
    if found is None:
        print(f"Python {python}: not on this machine")
        return None
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        subprocess.run([found, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        own = folder / "venv" / "bin" / "python"
        asked = "pyspark[connect]" if pyspark == NEWEST else f"pyspark[connect]=={pyspark}"
        pip = [sys.executable, "-m", "pip", "--python", str(own), "install", "--quiet", "--no-compile"]
        installed, why = run([*pip, str(wheel), asked], folder)
        if not installed:
            raise SystemExit(f"Python {python}: {asked} could not be installed: {why}")
        _, own_python = run([own, "-c", "import platform; print(platform.python_version())"], folder)
        _, own_pyspark = run([own, "-c", "import pyspark; print(pyspark.__version__)"], folder)
        # Without SPARK_TESTING pyspark's own Connect server takes a fixed port, which may be taken.
        connect = session(own, folder, "--connect", SPARK_TESTING="1")
        result = Result(own_python, own_pyspark, session(own, folder), connect, commands(own, folder))
    print(*result, sep="  ", flush=True)
    return result


def recorded() -> list[Result]:
    """Read what was found so far."""
    if not RESULTS.is_file():
        return []
    return [Result(**json.loads(line)) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def record(result: Result) -> None:
    """Keep a result, in place of an earlier one of the same combination."""

    def combination(one: Result) -> tuple[str, str]:
        return one.python.rpartition(".")[0], one.pyspark

    others = [one for one in recorded() if combination(one) != combination(result)]
    lines = [json.dumps(one._asdict()) for one in sorted([*others, result], key=by_version)]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def by_version(result: Result) -> list[list[int]]:
    """Order results by Spark and Python."""
    return [[int(part) for part in version.split(".")] for version in (result.pyspark, result.python)]


def table(results: Iterable[Result]) -> str:
    """Return the results as a Markdown table."""
    lines = ["| pyspark | Python | Classic session | Spark Connect | Command line |", "|---|---|---|---|---|"]
    lines += [f"| {one.pyspark} | {one.python} | {one.classic} | {one.connect} | {one.commands} |" for one in results]
    return "\n".join(lines)


def page_with(content: str, page: str) -> str:
    """Put a table between the page's markers."""
    before, opening, rest = page.partition(BEGIN)
    _, closing, after = rest.partition(END)
    if not opening or not closing:
        raise ValueError(f"docs/{PAGE.name} lacks the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def main() -> int:
    """Try the combinations; 0 when all of them work."""
    parser = argparse.ArgumentParser(description="Try SparkVision's wheel under several Pythons and Sparks.")
    parser.add_argument("--python", action="append", metavar="3.X", help=f"default: {', '.join(PYTHONS)}")
    parser.add_argument("--pyspark", action="append", metavar="VERSION", help=f"default: {', '.join(PYSPARKS)}")
    parser.add_argument("--wheel", type=Path, help="the wheel to try (default: build it)")
    parser.add_argument("--write-page", action="store_true", help="only write the page from what is recorded")
    options = parser.parse_args()
    failed = False
    if not options.write_page:
        with tempfile.TemporaryDirectory() as temporary:
            wheel = options.wheel.resolve() if options.wheel else build_wheel(Path(temporary))
            for pyspark in options.pyspark or PYSPARKS:
                for python in options.python or PYTHONS:
                    result = tried(python, pyspark, wheel)
                    if result is not None:
                        record(result)
                        failed |= not result.works
    PAGE.write_text(page_with(table(recorded()), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
