"""Predictions as a page: one HTML file with a gallery, charts and the errors, which needs no other file.

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
from sparkvision.report.labelled_image import LabelledImage
from sparkvision.report.page_file import prepare_file, write_whole

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from sparkvision.local import LocalModel

__all__ = ["LabelledImage", "write_report"]

# The number of images with a heat map. The model runs on this machine for each of them.
HEAT_MAPS = 24

# With this number of images the page stays quick, and below 35 MB.
MOST_IMAGES = 10_000


def write_report(
    predictions: DataFrame | Iterable[LabelledImage],
    path: str | Path,
    *,
    column: str | None = None,
    truth: str | None = None,
    folders_are_labels: bool = False,
    title: str = "Predictions",
    max_images: int = MOST_IMAGES,
    thumbnails: bool = True,
    attention_model: LocalModel | None = None,
) -> Path:
    """Write one HTML page with a gallery of images, their labels and errors, and charts over all of them.

    The query of a table is run once. If the table has more than `max_images` images, the query is run once for the
    charts, which count all images, and once for a random sample. The executors make the thumbnails. The driver holds
    what is shown, a few kilobytes per image.

    Parameters
    ----------
    predictions : DataFrame or iterable of LabelledImage
        The result of `transform` or ``sparkvision_predict``: annotations, the function's struct or predictionCol; a
        column ``error``; images to show in ``content``, in an image column, or in files that ``path`` names.
    path : str or Path
        The HTML file. An existing file is replaced, and a missing folder is created.
    column : str, optional
        The column of predictions, if the table has several.
    truth : str, optional
        A column of true labels. The page then shows accuracy and confusions.
    folders_are_labels : bool
        Whether the true labels are the names of the images' folders.
    title : str
        The page's heading.
    max_images : int
        The largest number of images to show.
    thumbnails : bool
        Whether to show images, or only their names.
    attention_model : LocalModel, optional
        The bundle, exported with ``--attentions``: the first `HEAT_MAPS` images of the page, if ``content`` holds them
        or they are files on this machine, also show which parts of the image the model attended to.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ParameterError
        If a column is missing or of another kind, `max_images` is not positive, or `path` is a folder or cannot be
        written. Parameters are checked before the query runs.
    SessionError
        If thumbnails are to be made in a session without SparkVision's jars.
    BundleError
        If the attention model was exported without ``--attentions``.

    Examples
    --------
    >>> write_report(model.transform(df), "report.html", folders_are_labels=True)
    PosixPath('report.html')
    """
    from pyspark.sql import DataFrame

    from sparkvision.report.collection import Wanted, from_frame, from_rows
    from sparkvision.report.columns import ReportColumns
    from sparkvision.report.heat_map import heat_maps
    from sparkvision.report.predictions_page import predictions_page

    if max_images < 1:
        raise ParameterError(f"max_images={max_images}: give at least 1.")
    file = prepare_file(path)
    timings: list[dict[str, Any]] = []
    wanted = Wanted(max_images, thumbnails, originals=HEAT_MAPS if attention_model else 0)
    if isinstance(predictions, DataFrame):
        columns = ReportColumns.of(predictions, column, truth, folders_are_labels)
        found = from_frame(predictions, columns, wanted)
        timings = _timings(predictions.sparkSession)
    else:
        if column is not None or truth is not None:
            raise ParameterError("column and truth name columns of a table; rows bring their own scores and truth.")
        found = from_rows(predictions, wanted, folders_are_labels)
    maps = heat_maps(attention_model, found.originals) if attention_model else []
    write_whole(file, predictions_page(found, title, timings, maps))
    return file


def _timings(spark: SparkSession) -> list[dict[str, Any]]:
    from pyspark.errors import AnalysisException

    from sparkvision._spark.metrics import metrics

    try:
        return [row.asDict() for row in metrics(spark).collect()]
    except (SessionError, AnalysisException):  # a table of predictions may be shown in a session without our jars
        return []
