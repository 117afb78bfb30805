"""What `--model` takes: a bundle's place, or the name of a model in the model home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from sparkvision._base import ModelTransformer

Stage = TypeVar("Stage", bound="ModelTransformer")


def load(stage: type[Stage], model: str, spark: SparkSession) -> Stage:
    """Make a stage: what looks like a path or a URI is a bundle's, anything else is a name."""
    if Path(model).is_dir() or ":/" in model or model.startswith(("embedded:", "/", ".")) or model.endswith("/"):
        return stage.loadSavedModel(model, spark)
    return stage.pretrained(model)
