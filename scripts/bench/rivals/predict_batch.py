"""Spark's own predict_batch_udf around Pillow and onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import DataFrame
from pyspark.sql.types import LongType

from bench.rivals.contestant import Setting, serve
from bench.rivals.pillow_classifier import PillowClassifier
from bench.rivals.spark_session import FrameContestant, start_session


class PredictBatchUdf(FrameContestant):
    """A function a worker, which Spark feeds with batches."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting, start_session(setting.slots))

    def labelled(self, frame: DataFrame, batch_size: int) -> DataFrame:
        """Give the ids of the most likely classes."""
        bundle = self.setting.bundle

        def make_predict() -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
            classifier = PillowClassifier(bundle, threads=1)
            return lambda pictures: np.array(classifier.classify(list(pictures), len(pictures)))

        return frame.select(predict_batch_udf(make_predict, return_type=LongType(), batch_size=batch_size)("content"))


if __name__ == "__main__":
    serve(PredictBatchUdf)
