"""The pictures that a report shows, and the counts of all there are: from a table, or from rows in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from sparkvision._engine.image import local_file
from sparkvision.report.columns import ReportColumns
from sparkvision.report.picture import Counts, Kind, LabelledPicture, add_example, folder_of
from sparkvision.report.thumbnail import thumbnail
from sparkvision.sql import enable_functions, unknown_functions

# Pages of more pictures get smaller thumbnails: some 5 kB each up to there, 2.5 kB beyond.
LARGE_THUMBNAILS = 1_000
LARGE_SIDE = 128
SMALL_SIDE = 80

# Kinds of pictures that are counted, at most: thousands of labels confused with thousands are beyond any page.
MOST_KINDS = 200_000


@dataclass(frozen=True)
class Wanted:
    """What a page wants to have.

    Attributes
    ----------
    pictures : int
        How many pictures, at most.
    thumbnails : bool
        Whether they have thumbnails.
    originals : int
        How many of the first ones are wanted as they were encoded.
    """

    pictures: int
    thumbnails: bool = True
    originals: int = 0


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
    originals : sequence of Path or bytes
        The first pictures as they were encoded, where that is wanted.
    examples : mapping of str to str
        For each reason, whose numbers are left out, one of the errors that it stands for.
    """

    pictures: list[LabelledPicture]
    total: int
    counts: Counts
    choice: str
    originals: Sequence[Path | bytes] = ()
    examples: Mapping[str, str] = field(default_factory=dict)


def from_frame(frame: DataFrame, columns: ReportColumns, wanted: Wanted) -> Collection:
    """Run the table's query: once where all pictures are shown, else a second time for a random sample of them.

    Thumbnails are made by the executors, so that only small pictures reach the driver.
    """
    total = frame.count()  # runs no model
    counts: Counts | None = None
    examples: dict[str, str] = {}
    sample = frame
    if total > wanted.pictures:
        counted = frame.groupBy(*columns.kind).agg(F.min(columns.error).alias("error"), F.count("*").alias("count"))
        rows = counted.orderBy(F.desc("count")).limit(MOST_KINDS).collect()
        counts = Counter({Kind(*row[:-2]): int(row["count"]) for row in rows})
        for row in rows:
            add_example(row["error"], examples)
        # By the names' hashes where there are names: such a filter runs before the model, a random one after it.
        chance = F.rand(seed=0) if columns.path is None else F.pmod(F.xxhash64(columns.path), F.lit(10**6)) / 10**6
        sample = frame.where(chance < wanted.pictures / total).limit(wanted.pictures)
    side = _side(min(total, wanted.pictures)) if wanted.thumbnails else None
    try:
        pictures = [_picture(row) for row in _selected(sample, columns, side).collect()]
    except AnalysisException as error:
        raise unknown_functions(error) or error from None
    if counts is None:
        counts = Counter(picture.kind for picture in pictures)
        for picture in pictures:
            add_example(picture.error, examples)
    originals = _originals(frame, [picture.path for picture in pictures[: wanted.originals]])
    return Collection(pictures, total, counts, "a random sample", originals, examples)


def from_rows(rows: Iterable[LabelledPicture], wanted: Wanted, folders_are_labels: bool) -> Collection:
    """Take rows in memory; thumbnails are made here."""
    shown: list[LabelledPicture] = []
    counts: Counts = Counter()
    examples: dict[str, str] = {}
    for row in rows:
        known = replace(row, truth=folder_of(row.path)) if folders_are_labels else row
        counts[known.kind] += 1
        add_example(known.error, examples)
        if len(shown) < wanted.pictures:
            shown.append(known)
    side = _side(len(shown))
    # Where there is an error there is no thumbnail, as of a table: executors read no more than the stages do.
    pictures = [
        replace(row, content=thumbnail(_original(row), side) if wanted.thumbnails and row.error is None else None)
        for row in shown
    ]
    originals = [_original(row) for row in shown[: wanted.originals]]
    return Collection(pictures, counts.total(), counts, "the first ones", originals, examples)


def _selected(frame: DataFrame, columns: ReportColumns, side: int | None) -> DataFrame:
    small = F.lit(None).cast("binary")
    if side is not None and columns.picture is not None:
        enable_functions(frame.sparkSession)
        small = F.call_function("sparkvision_thumbnail", columns.picture, F.lit(side))
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


def _originals(frame: DataFrame, paths: Sequence[str]) -> list[Path | bytes]:
    """Give the pictures of these names: from the column ``content``, else from files."""
    known: dict[str, bytes] = {}
    if paths and {("path", "string"), ("content", "binary")} <= set(frame.dtypes):
        rows = frame.where(F.col("path").isin(list(paths))).select("path", "content").collect()
        known = {row["path"]: bytes(row["content"]) for row in rows if row["content"] is not None}
    return [known.get(path) or local_file(path) for path in paths]


def _original(row: LabelledPicture) -> Path | bytes:
    return local_file(row.path) if row.content is None else row.content


def _side(pictures: int) -> int:
    return LARGE_SIDE if pictures <= LARGE_THUMBNAILS else SMALL_SIDE
