"""The models of the benchmark: made with random weights, or the embedded one, and exported once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "build" / "bench"
DIGITS = ROOT / "tests" / "fixtures" / "digits_checkpoint"
PHOTOS = ROOT / "tests" / "fixtures" / "photos"
EMBEDDED_DIGITS = ROOT / "jvm" / "engine" / "src" / "main" / "resources" / "sparkvision" / "models" / "digits"

# What the command line's export takes for each.
PRECISIONS: Mapping[str, Sequence[str]] = {
    "fp32": [],
    "optimized": ["--optimize"],
    "fp16": ["--precision", "fp16"],
    "int8": ["--precision", "int8"],
    "int8-calibrated": ["--precision", "int8", "--calibrate", str(PHOTOS)],
}
# Ends the name of a model that is exported as an encoder.
FEATURES = "-features"


class ExportError(Exception):
    """A bundle cannot be made here; the message says why."""


@dataclass(frozen=True)
class Model:
    """A checkpoint and its bundle."""

    checkpoint: Path
    bundle: Path


def model(name: str, precision: str) -> Model:
    """Make or find a model.

    Parameters
    ----------
    name
        ``digits``, the embedded one, or a size that scripts/make_checkpoint.py knows; with ``-features`` behind it, its
        encoder.
    precision
        One of `PRECISIONS`.

    Raises
    ------
    ExportError
        When it cannot be made here.
    """
    checkpoint = DIGITS if name == "digits" else _checkpoint(name.removesuffix(FEATURES))
    if name == "digits" and precision == "fp32":
        return Model(checkpoint, EMBEDDED_DIGITS)
    bundle = FOLDER / (name if precision == "fp32" else f"{name}-{precision}")
    if not (bundle / "sparkvision.json").exists():
        _export(checkpoint, bundle, precision, _task(name))
    return Model(checkpoint, bundle)


def _checkpoint(name: str) -> Path:
    folder = FOLDER / f"{name}-checkpoint"
    if not (folder / "config.json").exists():
        _run(str(ROOT / "scripts" / "make_checkpoint.py"), str(folder), "--size", name)
    return folder


def _task(name: str) -> str:
    if name.endswith(FEATURES):
        return "feature-extraction"
    return "object-detection" if name.startswith("yolos") else "image-classification"


def _export(checkpoint: Path, bundle: Path, precision: str, task: str) -> None:
    _run("-m", "sparkvision.cli", "export", "--task", task, *PRECISIONS[precision], str(checkpoint), str(bundle))


def _run(*arguments: str) -> str:
    """Run Python in a process of its own: torch would stay in this one's memory."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise ExportError((done.stderr.strip() or done.stdout.strip()).splitlines()[-1])
    return done.stdout
