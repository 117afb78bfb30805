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

from sparkvision._output_place import require_writable_file
from sparkvision.errors import ParameterError, SessionError
from sparkvision.report.picture import LabelledPicture
from sparkvision.report.whole_file import write_whole

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from sparkvision.local import LocalModel

__all__ = ["LabelledPicture", "write_report"]

# Pictures that show what the model looked at: it runs on this machine for each.
HEAT_MAPS = 24

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
    attention_model: LocalModel | None = None,
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
        The HTML file; one that is there is replaced, and a folder that is missing is made.
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
    attention_model : LocalModel, optional
        The bundle, exported with ``--attentions``: the first `HEAT_MAPS` pictures of the page, where ``content`` has
        them or they are files on this machine, also show what the model looked at.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ParameterError
        When a column is missing or of another kind, or `pictures` is not positive; when `path` is
        a folder, or cannot be written: found before the query runs.
    SessionError
        When thumbnails are to be made in a session that lacks SparkVision's jars.
    BundleError
        When the attention model was exported without ``--attentions``.

    Examples
    --------
    >>> write_report(model.transform(df), "report.html", folders_are_labels=True)
    PosixPath('report.html')
    """
    from pyspark.sql import DataFrame

    from sparkvision.report import page
    from sparkvision.report.collection import Wanted, from_frame, from_rows
    from sparkvision.report.columns import ReportColumns
    from sparkvision.report.heat_map import heat_maps

    if pictures < 1:
        raise ParameterError(f"pictures={pictures}: give at least 1.")
    file = Path(path)
    require_writable_file(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    timings: list[dict[str, Any]] = []
    wanted = Wanted(pictures, thumbnails, originals=HEAT_MAPS if attention_model else 0)
    if isinstance(predictions, DataFrame):
        columns = ReportColumns.of(predictions, column, truth, folders_are_labels)
        found = from_frame(predictions, columns, wanted)
        timings = _timings(predictions.sparkSession)
    else:
        if column is not None or truth is not None:
            raise ParameterError("column and truth name columns of a table; rows bring their own scores and truth.")
        found = from_rows(predictions, wanted, folders_are_labels)
    maps = heat_maps(attention_model, found.originals) if attention_model else []
    # Names of files need not be UTF-8; Python stands for their other bytes with lone surrogates, which JSON can escape.
    write_whole(file, page.render(found, title, timings, maps))
    return file


def _timings(spark: SparkSession) -> list[dict[str, Any]]:
    from pyspark.errors import AnalysisException

    from sparkvision import metrics

    try:
        return [row.asDict() for row in metrics(spark).collect()]
    except (SessionError, AnalysisException):  # a table of predictions may be looked at without our jars
        return []
