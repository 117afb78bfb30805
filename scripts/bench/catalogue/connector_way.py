"""Two systems: Spark writes the images, a Python process embeds the objects in them, and Spark reads its vectors.

This is its strongest form. The images are handed over as Parquet files without compression, which would not make JPEGs
smaller. Each core has a worker whose sessions have one thread, as Spark's tasks have. Vectors are written while others
are computed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from bench.catalogue.job import Done, Job, answer

ROOT = Path(__file__).resolve().parents[3]


class WorkerFailed(Exception):
    """The process beside Spark failed; the message is what it wrote to stderr."""


class ConnectorWay:
    """Both systems."""

    def __init__(self, spark: SparkSession, job: Job) -> None:
        self._spark, self._job = spark, job
        self._images, self._vectors = Path(job.scratch) / "images", Path(job.scratch) / "vectors"

    def embedded(self) -> DataFrame:
        """Return what the last run embedded: path, detection (its index within its image) and embedding."""
        return self._spark.read.parquet(str(self._vectors))

    def run(self) -> Done:
        """Do the job."""
        shutil.rmtree(self._job.scratch, ignore_errors=True)
        began = time.perf_counter()
        self._write()
        start_seconds = self._work()
        crops, magnitude = answer(self.embedded())
        return Done(time.perf_counter() - began, start_seconds, crops, magnitude)

    def _write(self) -> None:
        """Write one file per task: all tasks have the same number of images, and therefore all workers, too."""
        images = self._spark.read.parquet(self._job.images)
        images.write.option("compression", "uncompressed").parquet(str(self._images))

    def _work(self) -> float:
        """Run the process, and return the seconds until it was ready."""
        command = [sys.executable, "-m", "bench.catalogue.worker", json.dumps(asdict(self._job))]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts"), "OMP_NUM_THREADS": "1"}
        began = time.perf_counter()
        process = subprocess.Popen(
            [*command, str(self._images), str(self._vectors)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        ready = process.stdout.readline().strip() == "ready"
        start_seconds = time.perf_counter() - began
        _, errors = process.communicate()
        if process.returncode or not ready:
            raise WorkerFailed(errors.strip() or "the process printed nothing")
        return start_seconds
