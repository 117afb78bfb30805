"""Predictions as a page to look at: one HTML file with a gallery, charts and the errors, which needs nothing else.

Examples
--------
>>> from sparkvision.report import write_report
>>> write_report(model.transform(df), "report.html", folders_are_labels=True)
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.errors import ParameterError, SessionError
from sparkvision.report.picture import LabelledPicture

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["LabelledPicture", "write_report"]

# The page stays quick, and under some 35 MB.
MOST_PICTURES = 10_000


def write_report(
    predictions: DataFrame | Iterable[LabelledPicture],
    path: str | Path,
    *,
    column: str | None = None,
    truth: str | None = None,
    folders_are_labels: bool = False,
    title: str = "Predictions",
    pictures: int = MOST_PICTURES,
    thumbnails: bool = True,
) -> Path:
    """Write one HTML page with a gallery of pictures, their labels and errors, and charts over all of them.

    A table's query is run once; or, when it has more pictures than the page is to show, once for the charts, which
    count all pictures, and once for a random sample. Thumbnails are made by the executors. The driver holds what is
    shown, a few kilobytes a picture.

    Parameters
    ----------
    predictions : DataFrame or iterable of LabelledPicture
        What `transform` or ``sparkvision_predict`` gives: annotations, the function's struct or predictionCol; a
        column ``error``; pictures to show in ``content``, in an image column, or in files that ``path`` names.
    path : str or Path
        The HTML file; one that is there is replaced.
    column : str, optional
        The column of predictions, where the table has several.
    truth : str, optional
        A column of true labels: the page then tells accuracy and confusions.
    folders_are_labels : bool
        The pictures' true labels are the names of the folders they lie in.
    title : str
        The page's heading.
    pictures : int
        How many to show, at most.
    thumbnails : bool
        Whether to show pictures, or only their names.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ParameterError
        When a column is missing or of another kind, or `pictures` is not positive.
    SessionError
        When thumbnails are to be made in a session that lacks SparkVision's jars.

    Examples
    --------
    >>> write_report(model.transform(df), "report.html", folders_are_labels=True)
    PosixPath('report.html')
    """
    from pyspark.sql import DataFrame

    from sparkvision.report import collection, page
    from sparkvision.report.columns import ReportColumns

    if pictures < 1:
        raise ParameterError(f"pictures={pictures}: give at least 1.")
    timings: list[dict[str, Any]] = []
    if isinstance(predictions, DataFrame):
        columns = ReportColumns.of(predictions, column, truth, folders_are_labels)
        found = collection.from_frame(predictions, columns, pictures, thumbnails)
        timings = _timings(predictions.sparkSession)
    else:
        if column is not None or truth is not None:
            raise ParameterError("column and truth name columns of a table; rows bring their own scores and truth.")
        found = collection.from_rows(predictions, pictures, thumbnails, folders_are_labels)
    file = Path(path)
    file.write_text(page.render(found, title, timings), encoding="utf-8")
    return file


def _timings(spark: SparkSession) -> list[dict[str, Any]]:
    from sparkvision import metrics

    try:
        return [row.asDict() for row in metrics(spark).collect()]
    except SessionError:  # a table of predictions may be looked at without our jars
        return []
