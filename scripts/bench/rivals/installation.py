"""Packages that some peers need and SparkVision's environment must not contain; installed once, below build/."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

ENVIRONMENTS = Path(__file__).resolve().parents[3] / "build" / "peers"

# The last release whose ViT runs on ONNX and Spark 3.5, and that Spark.
SPARK_NLP_VERSIONS = ["spark-nlp==5.5.3", "pyspark==3.5.5", "numpy<2"]
# Its other engines, which a ViT as ONNX does not use.
_OTHER_ENGINES = ("tensorflow-cpu", "jsl-llamacpp-cpu", "jsl-openvino-cpu")
SPARK_NLP_CONFIG = {
    "spark.jars.packages": "com.johnsnowlabs.nlp:spark-nlp_2.12:5.5.3",
    "spark.jars.excludes": ",".join(f"com.johnsnowlabs.nlp:{engine}_2.12" for engine in _OTHER_ENGINES),
    "spark.jars.ivy": str(ENVIRONMENTS / "ivy"),
}
# Transformers' fast processors are written on it. This release runs with the torch that .venv has.
TORCHVISION_VERSION = "torchvision==0.29.2"


class InstallationError(Exception):
    """A peer cannot be installed; the message says why."""


def install(peer: str) -> None:
    """Install the packages that a peer needs, unless they are installed.

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
        python = folder / "bin" / "python"
        _pip(python, *SPARK_NLP_VERSIONS)
        # Spark fetches the jars when it starts for the first time, so that a measured cold start contains no download.
        start = f"from bench.rivals.spark_session import start_session as start; start(1, {SPARK_NLP_CONFIG!r})"
        _run([str(python), "-c", start], "Spark could not fetch Spark NLP's jars")
        (folder / "complete").touch()


def _torchvision() -> None:
    folder = ENVIRONMENTS / "torchvision"
    if not folder.exists():
        # Without dependencies: it uses the torch of .venv.
        _pip(Path(sys.executable), "--no-deps", "--target", str(folder), TORCHVISION_VERSION)


def _pip(python: Path, *arguments: str) -> None:
    _run([str(python), "-m", "pip", "install", "--quiet", *arguments], f"pip could not install {arguments[-1]}")


def _run(command: list[str], failure: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ENVIRONMENTS.parents[1] / "scripts")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise InstallationError(f"{failure}: {done.stderr.strip().splitlines()[-1]}")


_INSTALLATIONS: Mapping[str, Callable[[], None]] = {"spark-nlp": _spark_nlp, "transformers-fast": _torchvision}
