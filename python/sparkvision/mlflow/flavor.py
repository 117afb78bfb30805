"""The flavour: how a fitted Pipeline, a stage or a bundle becomes an MLflow model, and comes back."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, TypeAlias

import mlflow.artifacts
import mlflow.pyfunc
import pandas as pd
from mlflow.models import Model
from mlflow.models.model import MLMODEL_FILE_NAME, ModelInfo
from pyspark.ml import PipelineModel

from sparkvision import ml
from sparkvision._spark.embedded import local_folder
from sparkvision._spark.session import require_jars, require_session
from sparkvision._spark.stage import ModelTransformer
from sparkvision._version import VERSION
from sparkvision.bundle import Bundle
from sparkvision.errors import BundleError, ParameterError, SessionError
from sparkvision.mlflow.environment import WHEELS, installed
from sparkvision.mlflow.prediction import IMAGE_COLUMN, SETTINGS, signature_of

FLAVOR = "sparkvision"
MODULE = "sparkvision.mlflow"
DATA = Path("data", "model")  # where mlflow.pyfunc puts a folder named model

Saveable: TypeAlias = PipelineModel | ModelTransformer | str | Path


def save_model(
    model: Saveable,
    path: str | Path,
    *,
    input_example: bytes | str | Path | None = None,
    pip_requirements: list[str] | None = None,
    mlflow_model: Model | None = None,
) -> None:
    """Write an MLflow model to a folder.

    Parameters
    ----------
    model
        A fitted Pipeline with exactly one stage that runs a model, such a stage, a bundle's folder, or
        ``embedded:NAME``.
    path
        The folder to write; it must not exist, or be empty.
    input_example
        An image, encoded or as a file, as an example of the input of the model.
    pip_requirements
        The packages of an environment for this model, as lines of a requirements file. Default: this SparkVision. If
        it was installed from a wheel file, that file (about 45 MB) is packed into the model.
    mlflow_model
        MLflow's own description of the model, to which this flavour is added; `log_model` passes one.

    Raises
    ------
    BundleError
        When ``model`` is a folder without a bundle.
    ParameterError
        When ``model`` is a path that does not exist, or a Pipeline in which not exactly one stage runs a model. When
        ``pip_requirements`` is omitted and no other machine could install this SparkVision: it was installed from a
        folder, or its wheel is gone.
    SessionError
        When Spark has written the Pipeline or the stage to another machine.

    Examples
    --------
    >>> sparkvision.mlflow.save_model("my-vit", "my-vit-mlflow")
    """
    wheel = None
    if pip_requirements is None:
        requirement, wheel = installed()
        pip_requirements = [requirement]
    description = mlflow_model if mlflow_model is not None else Model()
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary) / DATA.name
        stage = _write(model, data)
        bundle = _bundle_in(data)
        description.add_flavor(
            FLAVOR,
            sparkvision_version=VERSION,
            saved=type(model).__name__ if stage is not None else "bundle",
            bundle=bundle.relative_to(data).as_posix(),
            settings={} if stage is None else _settings(stage),
        )
        mlflow.pyfunc.save_model(
            str(path),
            loader_module=MODULE,
            data_path=str(data),
            mlflow_model=description,
            signature=signature_of(Bundle.read(bundle).manifest),
            input_example=None if input_example is None else _table_of(input_example),
            pip_requirements=pip_requirements,
        )
    if wheel is not None:
        (Path(path) / WHEELS).mkdir()
        shutil.copy(wheel, Path(path) / WHEELS)


def log_model(
    model: Saveable,
    name: str,
    *,
    input_example: bytes | str | Path | None = None,
    registered_model_name: str | None = None,
    pip_requirements: list[str] | None = None,
    **options: Any,
) -> ModelInfo:
    """Log a model to the MLflow tracking server.

    Parameters
    ----------
    model
        As for `save_model`.
    name
        The model's name in its run.
    input_example
        As for `save_model`; MLflow runs the model on it, which starts a JVM.
    registered_model_name
        The name under which the model is registered, as a new version.
    pip_requirements
        As for `save_model`.
    **options
        Anything else that ``mlflow.models.Model.log`` takes, for instance ``tags`` or ``run_id``.

    Returns
    -------
    ModelInfo
        MLflow's description: ``model_uri`` loads the model, ``registered_model_version`` is its version.

    Raises
    ------
    BundleError, ParameterError, SessionError
        As `save_model`.

    Examples
    --------
    >>> info = sparkvision.mlflow.log_model(pipeline_model, name="shop", registered_model_name="shop")
    """
    if pip_requirements is None:
        installed()  # refuses before MLflow begins a run
    info: ModelInfo = Model.log(
        artifact_path=None,
        name=name,
        flavor=sys.modules[MODULE],
        flavor_name=FLAVOR,
        registered_model_name=registered_model_name,
        model=model,
        input_example=input_example,
        pip_requirements=pip_requirements,
        **options,
    )
    return info


def load_model(model_uri: str, dst_path: str | Path | None = None) -> Saveable:
    """Load a logged model, to use it in Spark.

    Parameters
    ----------
    model_uri
        For instance ``models:/shop/1`` or ``runs:/RUN/NAME``, or a folder that `save_model` wrote.
    dst_path
        An existing folder to download to; on a cluster of several machines a folder that all of them see. Default: a
        temporary folder.

    Returns
    -------
    PipelineModel, stage or Path
        The kind that was saved; for a bundle its folder, for ``loadSavedModel`` or ``LocalModel``. A Pipeline and a
        stage need a session of ``sparkvision.start()``.

    Raises
    ------
    BundleError
        When the model has another flavour.
    SessionError
        When there is no session, or the session lacks SparkVision's jars.

    Examples
    --------
    >>> sparkvision.start()
    >>> sparkvision.mlflow.load_model("models:/shop/1").transform(images)
    """
    folder = Path(mlflow.artifacts.download_artifacts(model_uri, dst_path=None if dst_path is None else str(dst_path)))
    flavors = Model.load(str(folder / MLMODEL_FILE_NAME)).flavors
    if FLAVOR not in flavors:
        raise BundleError(
            f"{model_uri} was not logged by sparkvision.mlflow: it has the flavors {', '.join(sorted(flavors))}."
        )
    saved, data = flavors[FLAVOR]["saved"], folder / DATA
    if saved == "bundle":
        return data
    require_jars(require_session())  # raises a SessionError with the remedy
    if saved == PipelineModel.__name__:
        return PipelineModel.load(_for_spark(data))
    stage: ModelTransformer = getattr(ml, saved).load(_for_spark(data))
    return stage


def _write(model: Saveable, data: Path) -> ModelTransformer | None:
    """Write the files of a model, and return the stage that runs it, or None for a bundle."""
    if isinstance(model, (str, Path)):
        with local_folder(model) as folder:
            Bundle.read(folder).verify_files()
            shutil.copytree(folder, data)
        return None
    stages = model.stages if isinstance(model, PipelineModel) else [model]
    runs = [stage for stage in stages if isinstance(stage, ModelTransformer)]
    if len(runs) != 1:
        raise ParameterError(
            f"sparkvision.mlflow takes a fitted Pipeline with one stage that runs a model, such a stage, or a bundle's "
            f"folder; {model!r:.80} has {len(runs)} such stages."
        )
    model.save(_for_spark(data))
    if not list(data.glob("metadata/part-*")):
        raise SessionError(
            f"Spark has written {model.uid} on other machines than this one: on a cluster, or over Spark Connect. "
            "Log the bundle's folder instead, and load it with loadSavedModel."
        )
    return runs[0]


def _bundle_in(data: Path) -> Path:
    """Find the bundle in the saved files: they are a bundle, a stage, or a Pipeline."""
    for pattern in ("model.onnx", "bundle/model.onnx", "stages/*/bundle/model.onnx"):
        for graph in data.glob(pattern):
            return graph.parent
    raise BundleError(f"{data} holds no model.onnx: it was not saved by this version of SparkVision.")


def _for_spark(folder: Path) -> str:
    """Return the URI of a local folder. It is not percent-encoded, because Hadoop takes a %20 literally."""
    return f"file://{folder.absolute()}"


def _settings(stage: ModelTransformer) -> dict[str, Any]:
    """Return the Params that were set on the stage and change its results."""
    return {name: stage.getOrDefault(name) for name in SETTINGS if stage.hasParam(name) and stage.isSet(name)}


def _table_of(example: bytes | str | Path) -> pd.DataFrame:
    image = bytes(example) if isinstance(example, (bytes, bytearray)) else Path(example).read_bytes()
    return pd.DataFrame({IMAGE_COLUMN: [image]})
