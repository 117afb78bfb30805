"""Pictures and their labels in a notebook: `sparkvision.display`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from sparkvision.errors import ParameterError
from sparkvision.report.picture import LabelledPicture

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Notebooks keep no style sheet of ours apart from other outputs, and have themes of their own: colours are inherited.
_CARD = "width:148px;border:1px solid rgba(128,128,128,.4);border-radius:6px;overflow:hidden;font-size:12px"
_FRAME = "height:128px;display:flex;align-items:center;justify-content:center;background:rgba(128,128,128,.15)"
_LINE = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
_GRID = "display:flex;flex-wrap:wrap;gap:8px"


def display(df: DataFrame, n: int = 20, *, column: str | None = None) -> Gallery:
    """Show the first pictures of a table, with their labels, scores or errors, in a notebook.

    Parameters
    ----------
    df : DataFrame
        As for `sparkvision.report.write_report`; it may also have pictures alone.
    n : int
        How many pictures to show, at most.
    column : str, optional
        The column of predictions, where the table has several.

    Returns
    -------
    Gallery
        Shown by Jupyter when it is a cell's last value.

    Raises
    ------
    ParameterError
        When `n` is not positive, or the table has several columns of predictions and none is named.
    SessionError
        When the session lacks SparkVision's jars.

    Examples
    --------
    >>> sparkvision.display(model.transform(df), 8)
    """
    from sparkvision.report.collection import Wanted, from_frame
    from sparkvision.report.columns import ReportColumns

    if n < 1:
        raise ParameterError(f"display shows at least 1 picture, not {n}.")
    first = df.limit(n)
    return Gallery(from_frame(first, ReportColumns.of(df, column), Wanted(n)).pictures)


@dataclass(frozen=True)
class Gallery:
    """Pictures that Jupyter shows as HTML."""

    pictures: Sequence[LabelledPicture]

    def _repr_html_(self) -> str:
        return f'<div style="{_GRID}">{"".join(map(_card, self.pictures))}</div>'

    def __repr__(self) -> str:
        """Give a line for each picture, for a terminal."""
        return "\n".join(f"{picture.path}: {_found(picture)}" for picture in self.pictures)


def _card(picture: LabelledPicture) -> str:
    from sparkvision.report.thumbnail import data_uri

    name = escape(picture.path.rpartition("/")[2])
    shown = "no picture"
    if picture.content:
        shown = f'<img src="{data_uri(picture.content)}" alt="{name}" style="max-width:100%;max-height:128px">'
    found = escape(_found(picture))
    return f"""<div style="{_CARD}">
<div style="{_FRAME}">{shown}</div>
<div style="padding:4px 6px">
<div style="{_LINE};opacity:.75" title="{escape(picture.path)}">{name}</div>
<div style="{"" if picture.error else _LINE}" title="{found}"><b>{found}</b></div>
</div>
</div>"""


def _found(picture: LabelledPicture) -> str:
    if picture.error is not None:
        return picture.error
    return ", ".join(f"{label} {score:.3f}" for label, score in picture.scores)
