"""The job that both ways do: find objects in images, cut them out, and embed them."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Job:
    """What is to be done, and with which models.

    Attributes
    ----------
    images
        A Parquet table of images, ``path`` and ``content``.
    detector, embedder
        Folders of the two bundles.
    boxes
        Number of objects per image that are cut out: those with the highest scores, however low. The scores of a model
        with random weights mean nothing.
    slots
        Number of cores that each way uses.
    scratch
        A folder for intermediate files.
    """

    images: str
    detector: str
    embedder: str
    boxes: int
    slots: int
    scratch: str


@dataclass(frozen=True)
class Done:
    """The result of a way and its time.

    Attributes
    ----------
    seconds
        From the table of images to the answer, wall clock.
    start_seconds
        The part of it in which a second process started.
    crops
        Number of embedded objects.
    magnitude
        The sum of all absolute values of their embeddings, which is equal for two ways that compute the same.
    """

    seconds: float
    start_seconds: float
    crops: int
    magnitude: float


def answer(embedded: DataFrame) -> tuple[int, float]:
    """Return the number of crops and the magnitude, by a query that stands for any further use of the result.

    Parameters
    ----------
    embedded
        One row per crop, with the array ``embedding``.
    """
    magnitude = F.expr("aggregate(embedding, 0D, (sum, value) -> sum + abs(value))")
    row = embedded.agg(F.count("embedding").alias("crops"), F.sum(magnitude).alias("magnitude")).head()
    assert row is not None
    return int(row["crops"]), float(row["magnitude"] or 0)
