"""Spark with a pandas UDF around Pillow and onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql.pandas.functions import pandas_udf

from bench.rivals.contestant import Setting, serve
from bench.rivals.pillow_classifier import PillowClassifier
from bench.rivals.spark_session import FrameContestant, start_session


class PandasUdf(FrameContestant):
    """An iterator UDF, so that a task opens one session."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting, start_session(setting.slots))

    def labelled(self, frame: DataFrame, batch_size: int) -> DataFrame:
        """Return the ids of the most likely classes."""
        bundle = self.setting.bundle

        def classify(series: Iterator[pd.Series]) -> Iterator[pd.Series]:
            classifier = PillowClassifier(bundle, threads=1)
            for images in series:
                yield pd.Series(classifier.classify(list(images), batch_size), dtype="int64")

        return frame.select(pandas_udf(classify, "long")("content"))  # type: ignore[call-overload]


if __name__ == "__main__":
    serve(PandasUdf)
