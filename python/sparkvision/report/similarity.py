"""Similar pictures and groups of duplicates as a page to look at: one HTML file, without a script.

Examples
--------
>>> from sparkvision.report.similarity import write_similarity_report
>>> write_similarity_report(grouped, "duplicates.html", picture="content", group="group")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from sparkvision._output_place import require_writable_file
from sparkvision.errors import ParameterError
from sparkvision.report.columns import quoted
from sparkvision.report.page import style
from sparkvision.report.thumbnail import data_uri
from sparkvision.report.whole_file import write_whole
from sparkvision.sql import enable_functions

# A page of some 5 kB a picture, as of predictions.
SIDE = 128
MOST_MEMBERS = 24

# Ids are untrusted: even where one found a way to become an element, the browser would run and load nothing.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_similarity_report(
    pictures: DataFrame,
    path: str | Path,
    *,
    picture: str,
    id: str = "path",
    similar: str | None = None,
    group: str | None = None,
    representative: str | None = None,
    caption: str | None = None,
    title: str = "Similar pictures",
    queries: int = 24,
    groups: int = 24,
) -> Path:
    """Write one HTML page that shows pictures beside their nearest ones, and groups of duplicates.

    Of a large table it shows a sample: pictures by the hashes of their ids, and the largest groups, with their first
    `MOST_MEMBERS` members. The table is read several times: write or cache it first.

    Parameters
    ----------
    pictures : DataFrame
        A row for each picture; its ids are unique. Rows without an id are not shown.
    path : str or Path
        The HTML file; one that is there is replaced, and a folder that is missing is made.
    picture : str
        Column of the pictures: of any kind that stages read.
    id : str
        Column of their ids.
    similar : str, optional
        Column that `SimilarImages` added. A picture is not shown beside itself.
    group, representative : str, optional
        Columns that `ImageDeduplicator` added; null where a picture was not compared.
    caption : str, optional
        Column of a text to show below each picture.
    title : str
        The page's heading.
    queries, groups : int
        How many pictures to show beside their nearest ones, and how many groups, at most.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ParameterError
        When a column is missing, or neither ``similar`` nor ``group`` is given; when `path` cannot be written.

    Examples
    --------
    >>> write_similarity_report(table, "similar.html", picture="content", similar="similar", group="group")
    PosixPath('similar.html')
    """
    if similar is None and group is None:
        raise ParameterError("There is nothing to show: give similar, group, or both.")
    given = {
        "picture": picture,
        "id": id,
        "similar": similar,
        "group": group,
        "representative": representative,
        "caption": caption,
    }
    for parameter, name in given.items():
        if name is not None and name not in pictures.columns:
            raise ParameterError(f"{parameter}={name!r}: no such column; there are {', '.join(pictures.columns)}.")
    file = Path(path)
    require_writable_file(file)
    columns = [quoted(name).alias(parameter) for parameter, name in given.items() if name is not None]
    table = pictures.where(quoted(id).isNotNull()).select(columns).withColumn("id", F.col("id").cast("string"))
    neighbours = [] if similar is None else _neighbours(table, queries)
    members = [] if group is None else _members(table, groups)
    wanted = {row["id"] for row in members} | {row["id"] for row in neighbours}
    wanted |= {found["id"] for row in neighbours for found in row["similar"]}
    cards = _cards(table, wanted)
    file.parent.mkdir(parents=True, exist_ok=True)
    sections = [_queries_section(neighbours, cards), _groups_section(members, cards)]
    write_whole(file, _page(title, "\n".join(sections)))
    return file


def _neighbours(table: DataFrame, most: int) -> list[Row]:
    others = F.filter("similar", lambda found: found["id"] != F.col("id"))
    asked = table.select("id", others.alias("similar")).where(F.size("similar") > 0)
    return asked.orderBy(F.xxhash64("id")).limit(most).collect()


def _members(table: DataFrame, most: int) -> list[Row]:
    sizes = table.where("group is not null").groupBy("group").agg(F.count("*").alias("size")).where("size > 1")
    largest = sizes.orderBy(F.desc("size"), "group").limit(most)
    first = F.col("representative") if "representative" in table.columns else F.lit(False)
    members = table.select("id", "group", first.alias("representative")).join(F.broadcast(largest), "group")
    best_first = Window.partitionBy("group").orderBy(F.desc("representative"), "id")
    shown = members.withColumn("place", F.row_number().over(best_first)).where(F.col("place") <= MOST_MEMBERS)
    return shown.orderBy(F.desc("size"), "group", "place").collect()


def _cards(table: DataFrame, wanted: set[str]) -> dict[str, str]:
    """Give each picture as HTML, by its id."""
    enable_functions(table.sparkSession)
    below = (F.col("caption") if "caption" in table.columns else F.lit(None)).cast("string")
    small = F.call_function("sparkvision_thumbnail", F.col("picture"), F.lit(SIDE))
    rows = table.where(F.col("id").isin(*wanted)).select("id", small.alias("picture"), below.alias("caption"))
    return {row["id"]: _card(row) for row in rows.collect()}


def _card(row: Row) -> str:
    image = f'<img src="{data_uri(bytes(row["picture"]))}" alt="">' if row["picture"] else "no picture"
    below = f"<p>{escape(row['caption'])}</p>" if row["caption"] else ""
    name = escape(row["id"])
    return f'<div class="frame">{image}</div>\n<div class="facts"><div class="name" title="{name}">{name}</div>{below}'


def _queries_section(neighbours: Sequence[Row], cards: Mapping[str, str]) -> str:
    if not neighbours:
        return ""
    rows = "\n".join(
        f'<ol class="gallery">{_item(cards, row["id"], "asked for", "query")}'
        + "".join(_item(cards, found["id"], f"{found['score']:.3f}") for found in row["similar"])
        + "</ol>"
        for row in neighbours
    )
    return f"""<section>
<h2>Pictures and their nearest ones</h2>
<p>The first of each row was asked for.</p>
{rows}
</section>"""


def _groups_section(members: Sequence[Row], cards: Mapping[str, str]) -> str:
    if not members:
        return ""
    rows: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    for row in members:
        mark, kind = ("representative", "query") if row["representative"] else ("", "")
        rows.setdefault(row["group"], []).append(_item(cards, row["id"], mark, kind))
        sizes[row["group"]] = row["size"]
    shown = "\n".join(
        f'<h3>{escape(str(group))}: {sizes[group]:,} pictures</h3>\n<ol class="gallery">{"".join(items)}</ol>'
        for group, items in rows.items()
    )
    return f"<section>\n<h2>Groups of duplicates</h2>\n{shown}\n</section>"


def _item(cards: Mapping[str, str], id: str, mark: str, kind: str = "") -> str:
    card = cards.get(id, '<div class="frame">not in the table</div><div class="facts">')
    return f'<li class="card {kind}">{card}<p><strong>{escape(mark)}</strong></p></div></li>'


def _page(title: str, sections: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{style("sparkvision.report")}
section .gallery {{ margin-bottom: 1.25rem; }}
.card.query {{ border-color: var(--bar); }}
</style>
</head>
<body>
<main>
<header>
<p class="kind">SparkVision report</p>
<h1>{escape(title)}</h1>
</header>
{sections}
</main>
</body>
</html>
"""
