"""Similar images and groups of duplicates as a page: one HTML file without a script.

Examples
--------
>>> from sparkvision.report.similarity import write_similarity_report
>>> write_similarity_report(grouped, "duplicates.html", image="content", group="group")
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from sparkvision.errors import ParameterError
from sparkvision.report.columns import quoted
from sparkvision.report.page_file import prepare_file, write_whole
from sparkvision.report.template import render
from sparkvision.report.thumbnail import data_uri
from sparkvision.sql import enable_functions

# As on the page of predictions, an image takes about 5 kB.
SIDE = 128
MOST_MEMBERS = 24


def write_similarity_report(
    images: DataFrame,
    path: str | Path,
    *,
    image: str,
    id: str = "path",
    similar: str | None = None,
    group: str | None = None,
    representative: str | None = None,
    caption: str | None = None,
    title: str = "Similar images",
    max_queries: int = 24,
    max_groups: int = 24,
) -> Path:
    """Write one HTML page that shows images beside their nearest images, and groups of duplicates.

    The page shows a sample of a large table: images chosen by the hashes of their ids, and the largest groups with
    their first `MOST_MEMBERS` members. The table is read several times: write or cache it first.

    Parameters
    ----------
    images : DataFrame
        A row for each image, with unique ids. Rows without an id are not shown.
    path : str or Path
        The HTML file. An existing file is replaced, and a missing folder is created.
    image : str
        Column of the images, of any type that stages read.
    id : str
        Column of their ids.
    similar : str, optional
        Column that `SimilarImages` added. An image is not shown beside itself.
    group, representative : str, optional
        Columns that `ImageDeduplicator` added; null for an image that was not compared.
    caption : str, optional
        Column of a text to show below each image.
    title : str
        The page's heading.
    max_queries, max_groups : int
        The largest numbers of images to show beside their nearest images, and of groups.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ParameterError
        If a column is missing, neither ``similar`` nor ``group`` is given, or `path` cannot be written.

    Examples
    --------
    >>> write_similarity_report(table, "similar.html", image="content", similar="similar", group="group")
    PosixPath('similar.html')
    """
    if similar is None and group is None:
        raise ParameterError("There is nothing to show: give similar, group, or both.")
    columns = {
        "image": image,
        "id": id,
        "similar": similar,
        "group": group,
        "representative": representative,
        "caption": caption,
    }
    for parameter, name in columns.items():
        if name is not None and name not in images.columns:
            raise ParameterError(f"{parameter}={name!r}: no such column; there are {', '.join(images.columns)}.")
    file = prepare_file(path)
    selected = [quoted(name).alias(parameter) for parameter, name in columns.items() if name is not None]
    table = images.where(quoted(id).isNotNull()).select(selected).withColumn("id", F.col("id").cast("string"))
    neighbours = [] if similar is None else _neighbours(table, max_queries)
    members = [] if group is None else _members(table, max_groups)
    shown = {row["id"] for row in members} | {row["id"] for row in neighbours}
    shown |= {found["id"] for row in neighbours for found in row["similar"]}
    page = render(
        "similarity.html", title=title, cards=_cards(table, shown), neighbours=neighbours, groups=_groups(members)
    )
    write_whole(file, page)
    return file


def _neighbours(table: DataFrame, most: int) -> list[Row]:
    others = F.filter("similar", lambda found: found["id"] != F.col("id"))
    queries = table.select("id", others.alias("similar")).where(F.size("similar") > 0)
    return queries.orderBy(F.xxhash64("id")).limit(most).collect()


def _members(table: DataFrame, most: int) -> list[Row]:
    sizes = table.where("group is not null").groupBy("group").agg(F.count("*").alias("size")).where("size > 1")
    largest = sizes.orderBy(F.desc("size"), "group").limit(most)
    first = F.col("representative") if "representative" in table.columns else F.lit(False)
    members = table.select("id", "group", first.alias("representative")).join(F.broadcast(largest), "group")
    best_first = Window.partitionBy("group").orderBy(F.desc("representative"), "id")
    shown = members.withColumn("place", F.row_number().over(best_first)).where(F.col("place") <= MOST_MEMBERS)
    return shown.orderBy(F.desc("size"), "group", "place").collect()


def _groups(members: Sequence[Row]) -> list[dict[str, Any]]:
    """Put the members of each group together; the members are sorted by group."""
    groups: dict[Any, dict[str, Any]] = {}
    for row in members:
        group = groups.setdefault(row["group"], {"name": row["group"], "size": row["size"], "members": []})
        group["members"].append(row)
    return list(groups.values())


def _cards(table: DataFrame, ids: set[str]) -> dict[str, dict[str, str | None]]:
    """Return the thumbnail and the caption of each image, by its id."""
    enable_functions(table.sparkSession)
    caption = (F.col("caption") if "caption" in table.columns else F.lit(None)).cast("string")
    small = F.call_function("sparkvision_thumbnail", F.col("image"), F.lit(SIDE))
    rows = table.where(F.col("id").isin(*ids)).select("id", small.alias("thumbnail"), caption.alias("caption"))
    return {
        row["id"]: {
            "thumbnail": data_uri(bytes(row["thumbnail"])) if row["thumbnail"] else None,
            "caption": row["caption"],
        }
        for row in rows.collect()
    }
