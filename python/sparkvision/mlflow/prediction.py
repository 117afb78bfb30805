"""Prediction through MLflow, on the JVM engine without Spark: a table of images in, a table of labels out."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array

from sparkvision.errors import ParameterError
from sparkvision.local import LocalModel
from sparkvision.manifest import CLASSIFICATION, FEATURE_EXTRACTION, Manifest

IMAGE_COLUMN = "content"  # as Spark's binaryFile source names it

# The Params that change the results of a stage; ModelSettingsReader.scala reads them. The other Params say how a Spark
# job runs, which does not concern a server of the model.
SETTINGS = (
    *("size", "height", "width", "cropSize", "resample", "resizeBackend"),
    *("doResize", "doCenterCrop", "doRescale", "doNormalize", "rescaleFactor", "imageMean", "imageStd"),
    *("batchSize", "maxImagePixels", "decodeMode", "topK", "threshold", "pooling", "normalize"),
)


def signature_of(manifest: Manifest) -> ModelSignature:
    """Return the signature of a model: a column of encoded images in, the columns of `ImageModel.predict` out."""
    given: list[tuple[str, Any]]
    if manifest.task not in (CLASSIFICATION, FEATURE_EXTRACTION):
        raise ParameterError(
            f"sparkvision.mlflow serves labels and embeddings, not {manifest.task}: save the Pipeline itself, by its "
            "own save()."
        )
    if manifest.task == FEATURE_EXTRACTION:
        given = [("embedding", Array(DataType.float))]
    else:
        given = [
            ("label", DataType.string),
            ("score", DataType.double),
            ("labels", Array(DataType.string)),
            ("scores", Array(DataType.double)),
        ]
    outputs: list[Any] = [ColSpec(kind, name, required=False) for name, kind in [*given, ("error", DataType.string)]]
    return ModelSignature(Schema([ColSpec(DataType.binary, IMAGE_COLUMN)]), Schema(outputs))


class ImageModel:
    """The model that `mlflow.pyfunc` calls to predict.

    Runs in the JVM of the active Spark session if there is one, else in a JVM of its own, which ends with the process.
    Any number of threads may use one model.

    Parameters
    ----------
    model
        The model with its stage's settings.
    task
        The task of the bundle.
    """

    def __init__(self, model: LocalModel, task: str) -> None:
        self._model = model
        self._columns = ["embedding"] if task == FEATURE_EXTRACTION else ["label", "score", "labels", "scores"]

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Label or embed images.

        Parameters
        ----------
        model_input
            One column of encoded images: bytes, or their base64 text.
        params
            Not used: a model runs as it was saved.

        Returns
        -------
        DataFrame
            A row for each image, in order: ``label`` and ``score`` (the best), ``labels`` and ``scores`` (all that
            the stage reports, best first), or ``embedding``; and ``error``, the reason why an image has no result.

        Raises
        ------
        ParameterError
            When the table has several columns, or its values are no images.
        """
        if len(model_input.columns) != 1:
            raise ParameterError(
                f"The model takes one column of images, not {len(model_input.columns)} "
                f"({', '.join(map(str, model_input.columns))})."
            )
        images = [_image(value) for value in model_input.iloc[:, 0]]
        answers = iter(self._model._annotate([image for image in images if image is not None]))
        found = [_row({"error": "the image is null"} if p is None else next(answers)) for p in images]
        columns = [*self._columns, "error"]
        rows = [[row.get(column) for column in columns] for row in found]
        return pd.DataFrame(rows, columns=columns, index=model_input.index, dtype=object)


def _image(value: Any) -> bytes | None:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError as error:  # binascii.Error, or the error for text that is not ASCII
            raise ParameterError(f"An image as text is base64, and this is not ({error}): {value!r:.60}") from None
    raise ParameterError(f"An image is bytes or base64 text, not {type(value).__name__}: {value!r:.60}")


def _row(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        return {"error": answer["error"]}
    if "embedding" in answer:
        return {"embedding": [float(number) for number in answer["embedding"]]}
    labels = [best["label"] for best in answer["best"]]
    scores = [float(best["score"]) for best in answer["best"]]
    # A multi-label model may find no label.
    best = {"label": labels[0], "score": scores[0]} if labels else {}
    return {"labels": labels, "scores": scores, **best}


def _load_pyfunc(path: str) -> ImageModel:
    """Return the model for `mlflow.pyfunc`; ``path`` is the folder ``data/model`` of the MLflow model."""
    data = Path(path)
    facts = Model.load(str(data.parents[1] / MLMODEL_FILE_NAME)).flavors["sparkvision"]
    model = LocalModel._with_settings(data / facts["bundle"], facts["settings"])
    task = FEATURE_EXTRACTION if not model.labels else CLASSIFICATION
    return ImageModel(model, task)
