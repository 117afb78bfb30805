"""The MLflow model that `mlflow_udf` saves: Pillow and onnxruntime behind mlflow's interface."""

from __future__ import annotations

from typing import Any

import mlflow.models
import pandas as pd
from mlflow.pyfunc.model import PythonModel

from bench.rivals.pillow_classifier import PillowClassifier


class PillowModel(PythonModel):
    """Labels the column ``content``."""

    def load_context(self, context: Any) -> None:
        """Open the session: once a worker."""
        self._classifier = PillowClassifier(context.artifacts["bundle"], threads=1)
        self._batch_size = context.model_config["batch_size"]

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.Series[Any]:
        """Give the id of each picture's most likely class."""
        return pd.Series(self._classifier.classify(list(model_input["content"]), self._batch_size), dtype="int64")


mlflow.models.set_model(PillowModel())
