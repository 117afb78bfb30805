"""What a command accepts as a model: a bundle's folder or URI, ``embedded:NAME``, or a name that `pretrained` knows."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer

from sparkvision._spark.embedded import HOME_SETTING, HOME_VARIABLE, SCHEME, embedded_names
from sparkvision.bundle import Bundle
from sparkvision.cli.spark.places import file_path, is_uri, on_this_machine, require_known_schemes
from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.errors import BundleError, ParameterError, SessionError
from sparkvision.manifest import MANIFEST

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from sparkvision._spark.stage import ModelTransformer

    Stage = TypeVar("Stage", bound=ModelTransformer)

DEFAULT_MODEL = "embedded:digits"
METAVAR = "MODEL"
HELP = "a bundle's folder or URI (hdfs:, s3a:, file:), embedded:NAME, or a name that `sparkvision models` lists"
# The classes of this model are called 0 to 9, which does not say what they are.
_PURPOSES = {DEFAULT_MODEL: "handwritten digits", "digits": "handwritten digits"}

ModelArgument: TypeAlias = Annotated[str, typer.Argument(metavar=METAVAR, help=HELP)]
DefaultModel: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar=METAVAR, help=f"{HELP} (default: {DEFAULT_MODEL}, which reads handwritten digits)", show_default=False
    ),
]
FeatureModel: TypeAlias = Annotated[
    str, typer.Option(metavar=METAVAR, help=f"a model for feature-extraction: {HELP}", show_default=False)
]


def is_place(model: str) -> bool:
    """Return whether a model is given by its path or URI, and not by its name."""
    return Path(model).is_dir() or is_uri(model) or model.startswith(("/", ".")) or model.endswith("/")


def require_model(model: str, settings: SparkSettings, task: str | None = None) -> None:
    """Refuse, before Spark starts, a model that certainly does not exist or is for another task.

    Parameters
    ----------
    model : str
        The model, as the command line has it.
    settings : SparkSettings
        The settings of the session that would look for it.
    task : str, optional
        The task that the command needs. Default: any.

    Raises
    ------
    ParameterError
        When there is no such folder, or no model of this name.
    BundleError
        When the place is a file, the manifest is damaged, or the bundle is for another task.
    """
    option = f" --task {task}" if task else ""
    remedy = f"give a bundle's folder, as `sparkvision export CHECKPOINT FOLDER{option}` makes one"
    if Path(model).is_file():
        raise BundleError(f"{model} is a file; {remedy}")
    if not is_place(model):
        _require_findable_name(model, settings)
        return
    path = on_this_machine(model, settings)
    if path is None:
        return
    if not path.is_dir():
        raise ParameterError(f"{model}: there is no such folder; {remedy}")
    # A bundle in Spark NLP's layout has no manifest; the session reads it.
    if task and (path / MANIFEST).is_file() and (found := Bundle.read(path).manifest.task) != task:
        raise BundleError(f"{model} is a bundle for {found}; {remedy}")


def _require_findable_name(model: str, settings: SparkSettings) -> None:
    """Refuse a name that is not embedded where no model home is set, without starting Spark to look it up."""
    if model.startswith(SCHEME) or os.environ.get(HOME_VARIABLE) or HOME_SETTING in settings.config:
        return
    if settings.is_configured() or model in (names := _embedded_names()):
        return
    raise ParameterError(
        f"{model}: there is no such folder, and no model of this name: the embedded ones are {', '.join(names)}, and "
        f"neither {HOME_VARIABLE} nor --conf {HOME_SETTING}=URI names a model home; give a bundle's folder or URI"
    )


def _embedded_names() -> list[str]:
    try:
        return embedded_names()
    except SessionError:  # sparkvision-client has no jars
        return []


def load(stage: type[Stage], model: str, spark: SparkSession) -> Stage:
    """Make a stage that runs a model."""
    if is_place(model) or model.startswith(SCHEME):
        return stage.loadSavedModel(model, spark)
    return stage.pretrained(model)


@contextmanager
def local_bundle(model: str, settings: SparkSettings) -> Iterator[str]:
    """Yield a model's bundle on this machine: a folder, or ``embedded:NAME``. Spark is started only to fetch it.

    Raises
    ------
    ParameterError, BundleError
        As `require_model`.
    """
    require_model(model, settings)
    place = _local_place(model)
    if place is not None:
        yield place
        return
    from sparkvision.cli.spark.session import spark_session

    with ExitStack() as fetched:
        with spark_session(settings) as spark:
            place = fetched.enter_context(fetch(model, spark))
        yield place


@contextmanager
def fetch(model: str, spark: SparkSession) -> Iterator[str]:
    """Yield a model's bundle on this machine, as `local_bundle` does, through a session that runs.

    A bundle on another file system is copied to a temporary folder, which is deleted at the end of the block.
    """
    from sparkvision._spark.scala_errors import scala_errors

    jvm: Any = spark._jvm
    uri = _local_place(model)
    if uri is None and is_place(model):
        require_known_schemes(spark, model)
        uri = model
    elif uri is None:
        with scala_errors():
            found = str(jvm.sparkvision.ml.model.PretrainedModels.find(model, spark._jsparkSession))
        uri = str(file_path(found)) if found.startswith("file:/") else found
    if uri.startswith(SCHEME) or Path(uri).is_dir():
        yield uri
        return
    source = jvm.org.apache.hadoop.fs.Path(uri)
    files = source.getFileSystem(spark._jsc.hadoopConfiguration())
    if not files.exists(source):
        raise ParameterError(f"{model}: there is no such folder; give the folder or URI of a bundle")
    with tempfile.TemporaryDirectory(prefix="sparkvision-model-") as temporary:
        target = Path(temporary, source.getName())
        files.copyToLocalFile(False, source, jvm.org.apache.hadoop.fs.Path(target.as_uri()), True)
        yield str(target)


def _local_place(model: str) -> str | None:
    """Return where a model is on this machine, if that is known without Spark."""
    if model.startswith("file:/"):
        return str(file_path(model))
    if model.startswith(SCHEME) or Path(model).is_dir():
        return model
    return f"{SCHEME}{model}" if not is_place(model) and model in _embedded_names() else None


def default_name(model: str) -> str | None:
    """Return the name that a model given by its name has in another model home; None for a folder or URI."""
    return None if is_place(model) or model.startswith(SCHEME) else model.partition(":")[0]


def describe(stage: ModelTransformer, model: str, spark: SparkSession) -> str:
    """Describe a model by its architecture, its purpose if that is known, and its number of classes.

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


def note_default(consequence: str, wish: str) -> None:
    """Print a note on stderr, before any work, that no model was chosen, with the consequence and the remedy."""
    print(f"note: without --model, {consequence} ({DEFAULT_MODEL}); give --model MODEL for {wish}", file=sys.stderr)
