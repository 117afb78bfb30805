"""Predicting through MLflow: a table of pictures in, a table of labels out; on the JVM engine, without Spark."""

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
from sparkvision.manifest import Manifest

PICTURE_COLUMN = "content"  # as Spark's binaryFile source names it
CLASSIFICATION = "image-classification"
FEATURE_EXTRACTION = "feature-extraction"

# The Params that change a stage's numbers; ModelSettingsReader.scala reads them. The others say how a job runs, and do
# not concern whoever serves the model.
SETTINGS = (
    *("size", "height", "width", "cropSize", "resample", "resizeBackend"),
    *("doResize", "doCenterCrop", "doRescale", "doNormalize", "rescaleFactor", "imageMean", "imageStd"),
    *("batchSize", "maxImagePixels", "decodeMode", "topK", "threshold", "pooling", "normalize"),
)


def signature_of(manifest: Manifest) -> ModelSignature:
    """Say what a model takes and gives: encoded pictures, and `PictureModel.predict`'s columns."""
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
    return ModelSignature(Schema([ColSpec(DataType.binary, PICTURE_COLUMN)]), Schema(outputs))


class PictureModel:
    """What `mlflow.pyfunc` calls to predict.

    Runs in the active Spark session's JVM if there is one, else in a JVM of its own, which ends with the process. Any
    number of threads may use it.

    Parameters
    ----------
    model
        The model with its stage's settings.
    task
        The bundle's.
    """

    def __init__(self, model: LocalModel, task: str) -> None:
        self._model = model
        self._columns = ["embedding"] if task == FEATURE_EXTRACTION else ["label", "score", "labels", "scores"]

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Label or embed pictures.

        Parameters
        ----------
        model_input
            One column of encoded pictures: bytes, or their base64 text.
        params
            None; a model is run as it was saved.

        Returns
        -------
        DataFrame
            A row for each picture, in order: ``label`` and ``score`` (the best), ``labels`` and ``scores`` (all that
            the stage reports, best first), or ``embedding``; and ``error``, the reason why a picture has none.

        Raises
        ------
        ParameterError
            When the table has several columns, or one of something else.
        """
        if len(model_input.columns) != 1:
            raise ParameterError(
                f"The model takes one column of pictures, not {len(model_input.columns)} "
                f"({', '.join(map(str, model_input.columns))})."
            )
        pictures = [_picture(value) for value in model_input.iloc[:, 0]]
        answers = iter(self._model._annotate([picture for picture in pictures if picture is not None]))
        found = [_row({"error": "the picture is null"} if p is None else next(answers)) for p in pictures]
        columns = [*self._columns, "error"]
        rows = [[row.get(column) for column in columns] for row in found]
        return pd.DataFrame(rows, columns=columns, index=model_input.index, dtype=object)


def _picture(value: Any) -> bytes | None:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError as error:  # its own error, or that text is not ASCII
            raise ParameterError(f"A picture as text is base64, and this is not ({error}): {value!r:.60}") from None
    raise ParameterError(f"A picture is bytes or base64 text, not {type(value).__name__}: {value!r:.60}")


def _row(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        return {"error": answer["error"]}
    if "embedding" in answer:
        return {"embedding": [float(number) for number in answer["embedding"]]}
    labels = [best["label"] for best in answer["best"]]
    scores = [float(best["score"]) for best in answer["best"]]
    # A multi-label model may find none.
    best = {"label": labels[0], "score": scores[0]} if labels else {}
    return {"labels": labels, "scores": scores, **best}


def _load_pyfunc(path: str) -> PictureModel:
    """Give `mlflow.pyfunc` what it predicts with; ``path`` is the folder ``data/model`` of the MLflow model."""
    data = Path(path)
    facts = Model.load(str(data.parents[1] / MLMODEL_FILE_NAME)).flavors["sparkvision"]
    model = LocalModel._with_settings(data / facts["bundle"], facts["settings"])
    task = FEATURE_EXTRACTION if not model.labels else CLASSIFICATION
    return PictureModel(model, task)
