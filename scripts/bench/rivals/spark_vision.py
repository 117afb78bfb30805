"""SparkVision's Pipeline, from encoded bytes to labels, in one of its modes."""

from __future__ import annotations

from typing import Any

from pyspark.ml import Estimator, Pipeline, Transformer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import sparkvision
from bench.rivals.contestant import Setting, serve
from bench.rivals.spark_session import QUIET, FrameContestant
from sparkvision.ml import ImageAssembler, ViTForImageClassification


class SparkVision(FrameContestant):
    """ImageAssembler and ViTForImageClassification; a mode is a Param and its value."""

    def __init__(self, setting: Setting) -> None:
        for name in setting.options:
            if not hasattr(ViTForImageClassification, name):
                raise ValueError(f"this checkout has no Param {name}")
        onednn = setting.options.get("executionProvider") == "onednn"
        super().__init__(setting, sparkvision.start(master=f"local[{setting.slots}]", config=QUIET, onednn=onednn))
        self._classifier = (
            ViTForImageClassification.loadSavedModel(setting.bundle, self.spark)
            .setInputCols(["image"])
            .setOutputCol("class")
        )
        for name, value in setting.options.items():
            self._classifier._set(**{name: value})

    def labelled(self, frame: DataFrame, batch_size: int) -> DataFrame:
        """Return the most likely classes."""
        stages: list[Transformer | Estimator[Any]] = [ImageAssembler(), self._classifier.setBatchSize(batch_size)]
        return Pipeline(stages=stages).fit(frame).transform(frame).select(F.get("class.result", F.lit(0)))


if __name__ == "__main__":
    serve(SparkVision)
