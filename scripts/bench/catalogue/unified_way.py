"""One Spark pipeline: detect, crop and embed where the pictures are."""

from __future__ import annotations

import time
from collections.abc import Mapping

from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession

import sparkvision
from bench.catalogue.job import Done, Job, answer
from sparkvision.ml import ImageCropper, ViTImageEmbeddings, YolosForObjectDetection

# The columns of sparkvision.metrics that are times of tasks.
_TIMES = ("decode_seconds", "preprocess_seconds", "run_seconds", "postprocess_seconds")


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
        """Give a row a crop: path, detection (its place in its picture) and embedding."""
        model = PipelineModel([self._detector, self._cropper, self._embedder])
        crops = model.transform(self._spark.read.parquet(self._job.pictures))
        return crops.selectExpr(
            "path", "int(crop[0].metadata['detection']) detection", "get(embedded, 0).embeddings embedding"
        )

    def run(self) -> Done:
        """Do the job."""
        before = self._times()
        began = time.perf_counter()
        crops, magnitude = answer(self.embedded())
        seconds = time.perf_counter() - began
        after = self._times()
        parts = {part: (after[part] - before.get(part, 0.0)) / self._job.slots for part in after}
        return Done(seconds, {**parts, "else": max(seconds - sum(parts.values()), 0.0)}, crops, magnitude)

    def _times(self) -> Mapping[str, float]:
        """Give what the stages have taken so far, all tasks added up."""
        names = {self._detector.uid: "detect", self._cropper.uid: "crop", self._embedder.uid: "embed"}
        times: dict[str, float] = {}
        for row in sparkvision.metrics(self._spark).collect():
            if stage := names.get(row["stage"]):
                decode, prepare, run, after = (row[column] for column in _TIMES)
                times["decode"] = times.get("decode", 0.0) + decode
                if stage != "crop":
                    times[f"{stage}: prepare"], times[f"{stage}: run"] = prepare, run + after
        return times
