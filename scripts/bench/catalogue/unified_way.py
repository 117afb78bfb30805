"""One Spark pipeline that detects, crops and embeds in the executors that read the images."""

from __future__ import annotations

import time

from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession

from bench.catalogue.job import Done, Job, answer
from sparkvision.ml import ImageCropper, ViTImageEmbeddings, YolosForObjectDetection


class UnifiedWay:
    """The pipeline, its models loaded."""

    def __init__(self, spark: SparkSession, job: Job) -> None:
        self._spark, self._job = spark, job
        self._detector = (
            YolosForObjectDetection.loadSavedModel(job.detector, spark)
            .setInputCols("content")
            .setThreshold(0.0)
            .setTopK(job.boxes)
            .setDetectionsCol("detections")
        )
        self._cropper = ImageCropper().setInputCols("content", "detections").setExplode(True)
        self._embedder = (
            ViTImageEmbeddings.loadSavedModel(job.embedder, spark).setInputCols("crop").setOutputCol("embedded")
        )

    def embedded(self) -> DataFrame:
        """Return one row per crop: path, detection (its index within its image) and embedding."""
        model = PipelineModel([self._detector, self._cropper, self._embedder])
        crops = model.transform(self._spark.read.parquet(self._job.images))
        return crops.selectExpr(
            "path", "int(crop[0].metadata['detection']) detection", "get(embedded, 0).embeddings embedding"
        )

    def run(self) -> Done:
        """Do the job."""
        began = time.perf_counter()
        crops, magnitude = answer(self.embedded())
        return Done(time.perf_counter() - began, 0.0, crops, magnitude)
