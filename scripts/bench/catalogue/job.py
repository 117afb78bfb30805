"""The job that both ways do: find objects in pictures, cut them out, and embed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Job:
    """What is to be done, and with what.

    Attributes
    ----------
    pictures
        A Parquet table of pictures, ``path`` and ``content``: what a cluster has.
    detector, embedder
        Folders of the two bundles.
    boxes
        Objects of each picture that are cut out: the best, whatever their score. A model with random weights is as sure
        of one as of another.
    slots
        Cores in all, of either way.
    scratch
        A folder for what a way writes.
    """

    pictures: str
    detector: str
    embedder: str
    boxes: int
    slots: int
    scratch: str


@dataclass(frozen=True)
class Done:
    """What a way made of the job, and where the time went.

    Attributes
    ----------
    seconds
        From the pictures' table to the answer, wall clock.
    parts
        Steps by name, in seconds: those that several cores do side by side as the time of all divided by the cores.
    crops
        Embedded objects.
    magnitude
        The sum of all absolute values of their embeddings. Two ways that compute the same have the same.
    """

    seconds: float
    parts: Mapping[str, float]
    crops: int
    magnitude: float


def answer(embedded: DataFrame) -> tuple[int, float]:
    """Give the number of crops and the magnitude: the query that stands for all that Spark does with the result.

    Parameters
    ----------
    embedded
        A row a crop, its embedding in the array ``embedding``.
    """
    magnitude = F.expr("aggregate(embedding, 0D, (sum, value) -> sum + abs(value))")
    row = embedded.agg(F.count("embedding").alias("crops"), F.sum(magnitude).alias("magnitude")).head()
    assert row is not None
    return int(row["crops"]), float(row["magnitude"] or 0)
