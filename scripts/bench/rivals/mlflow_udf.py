"""A plain MLflow model on Spark, by mlflow's spark_udf."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import mlflow.pyfunc
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from bench.rivals.contestant import Setting, serve
from bench.rivals.spark_session import FrameContestant, start_session


class MlflowUdf(FrameContestant):
    """The model is saved in MLflow's format at the start, and loaded by the workers."""

    def __init__(self, setting: Setting) -> None:
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        super().__init__(setting, start_session(setting.slots))

    def labelled(self, frame: DataFrame, batch_size: int) -> DataFrame:
        """Give the ids of the most likely classes."""
        folder = Path(self.setting.scratch) / f"{Path(self.setting.bundle).name}-{batch_size}"
        shutil.rmtree(folder, ignore_errors=True)
        mlflow.pyfunc.save_model(
            path=str(folder),
            python_model=str(Path(__file__).with_name("mlflow_model.py")),
            artifacts={"bundle": self.setting.bundle},
            model_config={"batch_size": batch_size},
            signature=ModelSignature(Schema([ColSpec(DataType.binary, "content")]), Schema([ColSpec(DataType.long)])),
            pip_requirements=[],
        )
        classify = mlflow.pyfunc.spark_udf(self.spark, str(folder), result_type="long", env_manager="local")
        return frame.select(classify(F.struct("content")))


if __name__ == "__main__":
    serve(MlflowUdf)
