"""The images that a report shows, and the counts of all images, from a table or from rows in memory."""

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
from sparkvision.report.labelled_image import Counts, Kind, LabelledImage, add_example, folder_of
from sparkvision.report.thumbnail import thumbnail
from sparkvision.sql import enable_functions, unknown_functions

# Pages of more images get smaller thumbnails, of about 2.5 kB instead of 5 kB each.
LARGE_THUMBNAILS = 1_000
LARGE_SIDE = 128
SMALL_SIDE = 80

# The most kinds of images that are counted. Thousands of labels confused with thousands do not fit on a page.
MOST_KINDS = 200_000


@dataclass(frozen=True)
class Wanted:
    """What a page needs.

    Attributes
    ----------
    images : int
        The largest number of images.
    thumbnails : bool
        Whether the images have thumbnails.
    originals : int
        How many of the first images are needed with their original encoding.
    """

    images: int
    thumbnails: bool = True
    originals: int = 0


@dataclass(frozen=True)
class Collection:
    """The content of a report.

    Attributes
    ----------
    images : list of LabelledImage
        The images to show, with thumbnails as content.
    total : int
        The number of all images.
    counts : Counts
        The number of all images by kind, or of the most frequent kinds if there are too many.
    choice : str
        How the images were chosen if not all are shown.
    originals : sequence of Path or bytes
        The first images with their original encoding, if requested.
    examples : mapping of str to str
        For each reason, in which numbers are masked, one of its errors.
    """

    images: list[LabelledImage]
    total: int
    counts: Counts
    choice: str
    originals: Sequence[Path | bytes] = ()
    examples: Mapping[str, str] = field(default_factory=dict)


def from_frame(frame: DataFrame, columns: ReportColumns, wanted: Wanted) -> Collection:
    """Run the table's query once if all images are shown, else a second time for a random sample.

    The executors make the thumbnails, so that only small images reach the driver.
    """
    total = frame.count()  # does not run the model
    counts: Counts | None = None
    examples: dict[str, str] = {}
    sample = frame
    if total > wanted.images:
        counted = frame.groupBy(*columns.kind).agg(F.min(columns.error).alias("error"), F.count("*").alias("count"))
        rows = counted.orderBy(F.desc("count")).limit(MOST_KINDS).collect()
        counts = Counter({Kind(*row[:-2]): int(row["count"]) for row in rows})
        for row in rows:
            add_example(row["error"], examples)
        # If there are names, their hashes choose: such a filter runs before the model, and a random filter after it.
        chance = F.rand(seed=0) if columns.path is None else F.pmod(F.xxhash64(columns.path), F.lit(10**6)) / 10**6
        sample = frame.where(chance < wanted.images / total).limit(wanted.images)
    side = _side(min(total, wanted.images)) if wanted.thumbnails else None
    try:
        images = [_image(row) for row in _selected(sample, columns, side).collect()]
    except AnalysisException as error:
        raise unknown_functions(error) or error from None
    if counts is None:
        counts = Counter(image.kind for image in images)
        for image in images:
            add_example(image.error, examples)
    originals = _originals(frame, [image.path for image in images[: wanted.originals]])
    return Collection(images, total, counts, "a random sample", originals, examples)


def from_rows(rows: Iterable[LabelledImage], wanted: Wanted, folders_are_labels: bool) -> Collection:
    """Collect rows in memory, and make their thumbnails on this machine."""
    shown: list[LabelledImage] = []
    counts: Counts = Counter()
    examples: dict[str, str] = {}
    for row in rows:
        known = replace(row, truth=folder_of(row.path)) if folders_are_labels else row
        counts[known.kind] += 1
        add_example(known.error, examples)
        if len(shown) < wanted.images:
            shown.append(known)
    side = _side(len(shown))
    # As for a table, an image with an error has no thumbnail, because the executors read no more than the stages.
    images = [
        replace(row, content=thumbnail(_original(row), side) if wanted.thumbnails and row.error is None else None)
        for row in shown
    ]
    originals = [_original(row) for row in shown[: wanted.originals]]
    return Collection(images, counts.total(), counts, "the first ones", originals, examples)


def _selected(frame: DataFrame, columns: ReportColumns, side: int | None) -> DataFrame:
    small = F.lit(None).cast("binary")
    if side is not None and columns.image is not None:
        enable_functions(frame.sparkSession)
        small = F.call_function("sparkvision_thumbnail", columns.image, F.lit(side))
    return frame.select(
        (F.lit("") if columns.path is None else columns.path).alias("path"),
        columns.scores.alias("scores"),
        columns.error.alias("error"),
        columns.truth.alias("truth"),
        small.alias("content"),
    )


def _image(row: Row) -> LabelledImage:
    scores = [(str(label), float("nan") if score is None else float(score)) for label, score in row["scores"] or []]
    content = None if row["content"] is None else bytes(row["content"])
    return LabelledImage(row["path"] or "", scores, row["error"], row["truth"], content)


def _originals(frame: DataFrame, paths: Sequence[str]) -> list[Path | bytes]:
    """Return the images of these names, from the column ``content`` or else from files."""
    known: dict[str, bytes] = {}
    if paths and {("path", "string"), ("content", "binary")} <= set(frame.dtypes):
        rows = frame.where(F.col("path").isin(list(paths))).select("path", "content").collect()
        known = {row["path"]: bytes(row["content"]) for row in rows if row["content"] is not None}
    return [known.get(path) or local_file(path) for path in paths]


def _original(row: LabelledImage) -> Path | bytes:
    return local_file(row.path) if row.content is None else row.content


def _side(images: int) -> int:
    return LARGE_SIDE if images <= LARGE_THUMBNAILS else SMALL_SIDE
