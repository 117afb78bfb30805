"""The parts that peers on Spark share: a session, and a frame of encoded images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from bench.rivals.contestant import Run, Setting, Work

QUIET = {"spark.ui.enabled": "false", "spark.log.level": "ERROR", "spark.driver.memory": "4g"}


def start_session(slots: int, config: dict[str, str] | None = None) -> SparkSession:
    """Start Spark in this process with so many task slots."""
    builder = SparkSession.builder.master(f"local[{slots}]")
    for key, value in {**QUIET, **(config or {})}.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def write_nowhere(frame: DataFrame) -> None:
    """Compute every row of a frame, and store none."""
    frame.write.format("noop").mode("overwrite").save()


class FrameContestant(ABC):
    """A peer that labels the column ``content`` of a frame."""

    def __init__(self, setting: Setting, spark: SparkSession) -> None:
        self.setting = setting
        self.spark = spark

    @abstractmethod
    def labelled(self, frame: DataFrame, batch_size: int) -> DataFrame:
        """Return a frame with the one column of labels."""

    def first_label(self, image: bytes) -> str:
        """Label one image."""
        row: Any = self.labelled(self.spark.createDataFrame([(bytearray(image),)], "content binary"), 1).first()
        return str(row[0])

    def prepare(self, work: Work) -> Run:
        """Cache the encoded images, in as many equal partitions as slots.

        Uneven partitions would add the time of the last tasks to the throughput.
        """
        rows = [(bytearray(image),) for image in work.images()]
        frame = self.spark.createDataFrame(rows, "content binary").repartition(self.setting.slots).cache()
        frame.count()
        labelled = self.labelled(frame, work.batch_size)
        return lambda: write_nowhere(labelled)
