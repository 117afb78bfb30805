"""The pictures that a report shows, and the counts of all there are: from a table, or from rows in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from sparkvision.report.columns import ReportColumns
from sparkvision.report.picture import Counts, Kind, LabelledPicture, folder_of
from sparkvision.report.thumbnail import thumbnail
from sparkvision.sql import enable_functions

# Pages of more pictures get smaller thumbnails: some 5 kB each up to there, 2.5 kB beyond.
LARGE_THUMBNAILS = 1_000
LARGE_SIDE = 128
SMALL_SIDE = 80

# Kinds of pictures that are counted, at most: thousands of labels confused with thousands are beyond any page.
MOST_KINDS = 200_000


@dataclass(frozen=True)
class Collection:
    """What a report is made of.

    Attributes
    ----------
    pictures : list of LabelledPicture
        Those to show, with thumbnails for content.
    total : int
        How many there are.
    counts : Counts
        Of all that there are, by kind; of the most frequent kinds where those are too many.
    choice : str
        How the pictures were chosen where not all are shown.
    """

    pictures: list[LabelledPicture]
    total: int
    counts: Counts
    choice: str


def from_frame(frame: DataFrame, columns: ReportColumns, most: int, thumbnails: bool) -> Collection:
    """Run the table's query: once where all pictures are shown, else a second time for a random sample of them.

    Thumbnails are made by the executors, so that only small pictures reach the driver.

    Parameters
    ----------
    frame : DataFrame
        The table.
    columns : ReportColumns
        Where it has what.
    most : int
        Pictures to show.
    thumbnails : bool
        Whether to make thumbnails.
    """
    total = frame.count()  # runs no model
    if total <= most:
        pictures = [_picture(row) for row in _selected(frame, columns, total, thumbnails).collect()]
        return Collection(pictures, total, Counter(picture.kind for picture in pictures), "")
    kinds = frame.groupBy(*columns.kind).count().orderBy(F.desc("count")).limit(MOST_KINDS)
    counts = Counter({Kind(*row[:-1]): int(row[-1]) for row in kinds.collect()})
    # By the names' hashes where there are names: such a filter runs before the model, a random one after it.
    chance = F.rand(seed=0) if columns.path is None else F.pmod(F.xxhash64(columns.path), F.lit(10**6)) / 10**6
    sample = _selected(frame.where(chance < most / total), columns, most, thumbnails).limit(most)
    return Collection([_picture(row) for row in sample.collect()], total, counts, "a random sample")


def from_rows(rows: Iterable[LabelledPicture], most: int, thumbnails: bool, folders_are_labels: bool) -> Collection:
    """Take rows in memory; thumbnails are made here."""
    shown: list[LabelledPicture] = []
    counts: Counts = Counter()
    for row in rows:
        known = replace(row, truth=folder_of(row.path)) if folders_are_labels else row
        counts[known.kind] += 1
        if len(shown) < most:
            shown.append(known)
    side = _side(len(shown))
    pictures = [replace(row, content=_thumbnail(row, side) if thumbnails else None) for row in shown]
    return Collection(pictures, counts.total(), counts, "the first ones")


def _selected(frame: DataFrame, columns: ReportColumns, pictures: int, thumbnails: bool) -> DataFrame:
    small = F.lit(None).cast("binary")
    if thumbnails and columns.picture is not None:
        enable_functions(frame.sparkSession)
        small = F.call_function("sparkvision_thumbnail", columns.picture, F.lit(_side(pictures)))
    return frame.select(
        (F.lit("") if columns.path is None else columns.path).alias("path"),
        columns.scores.alias("scores"),
        columns.error.alias("error"),
        columns.truth.alias("truth"),
        small.alias("content"),
    )


def _picture(row: Row) -> LabelledPicture:
    scores = [(str(label), float("nan") if score is None else float(score)) for label, score in row["scores"] or []]
    content = None if row["content"] is None else bytes(row["content"])
    return LabelledPicture(row["path"] or "", scores, row["error"], row["truth"], content)


def _thumbnail(row: LabelledPicture, side: int) -> bytes | None:
    if row.error is not None:  # as the executors, which read no more than the stages
        return None
    if row.content is not None:
        return thumbnail(row.content, side)
    url = row.path.startswith("file://")  # where Spark names a file it writes file:/folder/name, and quotes nothing
    return thumbnail(Path(unquote(row.path[7:]) if url else row.path.removeprefix("file:")), side)


def _side(pictures: int) -> int:
    return LARGE_SIDE if pictures <= LARGE_THUMBNAILS else SMALL_SIDE
