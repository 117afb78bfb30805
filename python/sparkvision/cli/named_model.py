"""What `--model` takes: a bundle's place, or the name of a model in the model home; and what is told of the model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sparkvision._spark.embedded import SCHEME
from sparkvision.bundle import Bundle
from sparkvision.cli.local_places import is_uri, on_this_machine
from sparkvision.errors import BundleError
from sparkvision.manifest import MANIFEST

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from sparkvision._spark.stage import ModelTransformer
    from sparkvision.cli.spark_settings import SparkSettings

    Stage = TypeVar("Stage", bound=ModelTransformer)

DEFAULT_MODEL = "embedded:digits"
# Its classes are called 0 to 9, which does not say what they are.
_PURPOSES = {DEFAULT_MODEL: "handwritten digits", "digits": "handwritten digits"}


def is_place(model: str) -> bool:
    """Tell a path or URI of a bundle from a model's name."""
    return Path(model).is_dir() or is_uri(model) or model.startswith(("/", ".")) or model.endswith("/")


def require_bundle(model: str, settings: SparkSettings, task: str) -> None:
    """Refuse a place on this machine that surely holds no bundle for a task.

    Raises
    ------
    BundleError
        When there is no such folder, it is a file, its manifest is damaged, or its bundle is for another task.
    """
    remedy = f"give a bundle's folder, as `sparkvision export CHECKPOINT FOLDER --task {task}` makes one"
    if Path(model).is_file():
        raise BundleError(f"--model {model} is a file; {remedy}")
    path = on_this_machine(model, settings) if is_place(model) else None
    if path is None:
        return
    if not path.is_dir():
        raise BundleError(f"--model {model}: there is no such folder; {remedy}")
    # Spark NLP's layout, which has no manifest, is the session's to read.
    if (path / MANIFEST).is_file() and (found := Bundle.read(path).manifest.task) != task:
        raise BundleError(f"--model {model} is a bundle for {found}; {remedy}")


def load(stage: type[Stage], model: str, spark: SparkSession) -> Stage:
    """Make a stage: what looks like a path or a URI is a bundle's, anything else is a name."""
    if is_place(model) or model.startswith(SCHEME):
        return stage.loadSavedModel(model, spark)
    return stage.pretrained(model)


def describe(stage: ModelTransformer, model: str, spark: SparkSession) -> str:
    """Say which model it is, of what architecture, what for where that is known, and how many classes it has.

    Examples
    --------
    >>> describe(stage, "embedded:digits", spark)  # doctest: +SKIP
    'embedded:digits (ViTForImageClassification, handwritten digits, 10 classes)'
    """
    java: Any = stage._java_obj
    manifest = java.bundle(spark._jsparkSession).manifest()
    classes = manifest.labels().length()
    facts = [str(manifest.architecture()), _PURPOSES.get(model, ""), f"{classes:,} classes" if classes else ""]
    return f"{model} ({', '.join(filter(None, facts))})"


def tell_default(consequence: str, wish: str) -> None:
    """Say on stderr, before any work, that no model was chosen, what follows, and how to get what is wished."""
    print(f"note: without --model, {consequence} ({DEFAULT_MODEL}); give --model BUNDLE for {wish}", file=sys.stderr)
