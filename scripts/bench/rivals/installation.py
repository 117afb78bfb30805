"""The packages that some peers need and SparkVision's own environment must not have; made once, below build/."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

ENVIRONMENTS = Path(__file__).resolve().parents[3] / "build" / "peers"

# The last release whose ViT runs on ONNX and Spark 3.5, and that Spark.
SPARK_NLP_VERSIONS = ["spark-nlp==5.5.3", "pyspark==3.5.5", "numpy<2"]
SPARK_NLP_PACKAGE = "com.johnsnowlabs.nlp:spark-nlp_2.12:5.5.3"
# Its other engines, which a ViT as ONNX does not use.
SPARK_NLP_WITHOUT = ",".join(
    f"com.johnsnowlabs.nlp:{name}_2.12" for name in ("tensorflow-cpu", "jsl-llamacpp-cpu", "jsl-openvino-cpu")
)
# Transformers' fast processors are written on it. This release runs with the torch that .venv has.
TORCHVISION_VERSION = "torchvision==0.29.2"


class InstallationError(Exception):
    """A peer cannot be installed; the message says why."""


def install(peer: str) -> None:
    """Install what this peer needs, unless it is there.

    Raises
    ------
    InstallationError
        When pip fails.
    """
    if peer in _INSTALLATIONS:
        _INSTALLATIONS[peer]()


def _spark_nlp() -> None:
    folder = ENVIRONMENTS / "spark-nlp"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        _pip(folder / "bin" / "python", *SPARK_NLP_VERSIONS)
        (folder / "complete").touch()


def _torchvision() -> None:
    folder = ENVIRONMENTS / "torchvision"
    if not folder.exists():
        # Alone: the torch that it runs on is that of .venv.
        _pip(Path(sys.executable), "--no-deps", "--target", str(folder), TORCHVISION_VERSION)


def _pip(python: Path, *arguments: str) -> None:
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise InstallationError(f"pip could not install {arguments[-1]}: {done.stderr.strip().splitlines()[-1]}")


_INSTALLATIONS: Mapping[str, Callable[[], None]] = {"spark-nlp": _spark_nlp, "transformers-fast": _torchvision}
