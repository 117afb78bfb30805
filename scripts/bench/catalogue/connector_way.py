"""Two systems: Spark writes the pictures, a Python process embeds what it finds in them, Spark reads its vectors.

The strongest form of it: the pictures cross as Parquet files without compression, which JPEGs gain nothing by; a worker
a core has sessions of one thread and shares nothing with the others, as Spark's tasks do; vectors are written as they
come.
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
    """The process beside Spark did not finish; the message is its last words."""


class ConnectorWay:
    """Both systems."""

    def __init__(self, spark: SparkSession, job: Job) -> None:
        self._spark, self._job = spark, job
        self._pictures, self._vectors = Path(job.scratch) / "pictures", Path(job.scratch) / "vectors"

    def embedded(self) -> DataFrame:
        """Give what the last run embedded: path, detection (its place in its picture) and embedding."""
        return self._spark.read.parquet(str(self._vectors))

    def run(self) -> Done:
        """Do the job."""
        shutil.rmtree(self._job.scratch, ignore_errors=True)
        began = time.perf_counter()
        self._write()
        written = time.perf_counter()
        started, of_workers = self._work()
        worked = time.perf_counter()
        crops, magnitude = answer(self.embedded())
        seconds = time.perf_counter() - began
        parts = {
            "write": written - began,
            "start": started - written,
            **{step: taken / self._job.slots for step, taken in of_workers.items()},
            "read again": began + seconds - worked,
        }
        return Done(seconds, {**parts, "else": max(seconds - sum(parts.values()), 0.0)}, crops, magnitude)

    def _write(self) -> None:
        """Write a file a task: Spark's tasks have the same number of pictures, and so have the workers."""
        pictures = self._spark.read.parquet(self._job.pictures)
        pictures.write.option("compression", "uncompressed").parquet(str(self._pictures))

    def _work(self) -> tuple[float, dict[str, float]]:
        """Run the process; give when it was ready, and the seconds of its steps."""
        command = [sys.executable, "-m", "bench.catalogue.worker", json.dumps(asdict(self._job))]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts"), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            [*command, str(self._pictures), str(self._vectors)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        ready = process.stdout.readline().strip() == "ready"
        started = time.perf_counter()
        printed, last_words = process.communicate()
        if process.returncode or not ready:
            raise WorkerFailed(last_words.strip() or "it said nothing")
        return started, json.loads(printed)
