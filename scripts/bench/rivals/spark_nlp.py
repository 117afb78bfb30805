"""Spark NLP's ViT, in an environment of its own: it needs a Spark 3.5.

Its loadSavedModel reads the layout of our bundles. Spark NLP decodes images while Spark reads the files, so a round
includes reading the files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench.rivals.contestant import Run, Setting, Work, serve
from bench.rivals.installation import SPARK_NLP_CONFIG
from bench.rivals.spark_session import start_session, write_nowhere


class SparkNlp:
    """A Pipeline of its ImageAssembler and its ViTForImageClassification."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        config = {
            **SPARK_NLP_CONFIG,
            "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
            "spark.kryoserializer.buffer.max": "1000M",
            # The default is 6 threads per run on any machine.
            "spark.jsl.settings.onnx.intraOpNumThreads": "1",
            # As many partitions of files as slots.
            "spark.sql.files.minPartitionNum": str(setting.slots),
            "spark.sql.files.maxPartitionBytes": "8g",
        }
        self._spark = start_session(setting.slots, config)
        from sparknlp.annotator import ViTForImageClassification

        self._classifier: Any = (
            ViTForImageClassification.loadSavedModel(setting.bundle, self._spark)
            .setInputCols(["image_assembler"])
            .setOutputCol("class")
        )

    def first_label(self, image: bytes) -> str:
        """Label one image."""
        row = self._labelled(self._setting.first_image, batch_size=1).first()
        return str(row[0][0])

    def prepare(self, work: Work) -> Run:
        """Make a folder of so many files."""
        folder = Path(self._setting.scratch) / f"{Path(work.folder).name}-{work.count}"
        if not folder.exists():
            folder.mkdir()
            distinct = sorted(Path(work.folder).iterdir())
            for number in range(work.count):
                source = distinct[number % len(distinct)]
                os.link(source, folder / f"{number:06d}{source.suffix}")
        labelled = self._labelled(str(folder), work.batch_size)
        return lambda: write_nowhere(labelled)

    def _labelled(self, files: str, batch_size: int) -> Any:
        from pyspark.ml import Pipeline
        from sparknlp.base import ImageAssembler

        frame = self._spark.read.format("image").load(files)
        assembler = ImageAssembler().setInputCol("image").setOutputCol("image_assembler")
        classifier = self._classifier.setBatchSize(batch_size)
        return Pipeline(stages=[assembler, classifier]).fit(frame).transform(frame).select("class.result")


if __name__ == "__main__":
    serve(SparkNlp)
