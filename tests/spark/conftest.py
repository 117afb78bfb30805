"""Stages and tables for the tests in this folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.conftest import EMBEDDED_BUNDLE

from sparkvision.ml import ViTForImageClassification

CLIP_LABELS = ["a cat", "a dog", "a red car", "two people walking", "the digit seven"]
CLIP_TEMPLATE = "an image of {}, or so"


@pytest.fixture
def vit(spark: SparkSession) -> ViTForImageClassification:
    """The embedded model, reading a column of bytes."""
    return ViTForImageClassification.pretrained().setInputCols(["content"]).setOutputCol("class")


@pytest.fixture
def mixed(spark: SparkSession, digits: list[Path]) -> DataFrame:
    """Good images with a broken and a missing one between them."""
    good = [(file.name, bytearray(file.read_bytes())) for file in digits[:4]]
    rows = [*good[:2], ("broken.png", good[0][1][:40]), *good[2:], ("nothing.png", None)]
    return spark.createDataFrame(rows, "path string, content binary").coalesce(1)


@pytest.fixture(scope="session")
def clip_bundles(clip_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The tiny CLIP exported to choose among any labels (free), and among those of the export (fixed)."""
    from sparkvision.export import export

    folder = tmp_path_factory.mktemp("clip")
    options: dict[str, Any] = {"task": "zero-shot-image-classification", "progress": False}
    export(clip_checkpoint, folder / "free", **options)
    export(
        clip_checkpoint, folder / "fixed", candidate_labels=CLIP_LABELS, hypothesis_template=CLIP_TEMPLATE, **options
    )
    return {name: str(folder / name) for name in ("free", "fixed")}


# Two cats, and classes that are called as an annotation's facts are.
NAMESAKES = ["cat", "id", "cat", "width", "origin", "mode", "image", "height", "nChannels", "score"]


@pytest.fixture(scope="session")
def namesakes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The embedded model under the names of `NAMESAKES`."""
    folder = tmp_path_factory.mktemp("namesakes") / "bundle"
    shutil.copytree(EMBEDDED_BUNDLE, folder)
    manifest = json.loads((folder / "sparkvision.json").read_text())
    (folder / "sparkvision.json").write_text(json.dumps(manifest | {"labels": NAMESAKES}))
    return str(folder)
