"""What Scala's ParamManifest says of the stages, and the order in which their Params are documented."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pyspark

JARS = Path(__file__).resolve().parents[2] / "python" / "sparkvision" / "jars"

# The groups of a stage's Params, in the order in which a reader needs them.
COLUMNS, MODEL, PREPROCESSING = "Columns", "Model and execution", "Preprocessing"
GROUPS = (COLUMNS, MODEL, PREPROCESSING)


def read_manifest() -> list[dict[str, Any]]:
    """Run the built jar's ParamManifest.

    Returns
    -------
    list of dict
        The public stages. A stage comes after the one that it extends.
    """
    spark_jars = Path(pyspark.__file__).parent / "jars"
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    command = [java, "-cp", f"{JARS}/*:{spark_jars}/*", "sparkvision.ml.ParamManifest"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    manifest: list[dict[str, Any]] = json.loads(printed.stdout)
    return manifest


def simple_name(class_name: str) -> str:
    """Return a class's name without its package."""
    return class_name.rpartition(".")[2]


def group_of(param: dict[str, Any]) -> str:
    """Return the group that a Param is documented in."""
    if "(unset: the bundle's)" in param["doc"]:
        return PREPROCESSING
    return COLUMNS if param["name"].endswith(("Col", "Cols")) else MODEL


def in_reading_order(params: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort a stage's Params: what it reads and writes first, the preprocessing last."""

    def place(param: dict[str, Any]) -> tuple[int, bool, bool, str]:
        name: str = param["name"]
        return GROUPS.index(group_of(param)), not name.startswith("input"), name != "outputCol", name

    return sorted(params, key=place)
