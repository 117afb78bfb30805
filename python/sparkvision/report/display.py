"""Images and their labels in a notebook: `sparkvision.display`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparkvision.errors import ParameterError
from sparkvision.report.labelled_image import LabelledImage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def display(predictions: DataFrame, *, column: str | None = None, max_images: int = 20) -> Gallery:
    """Show the first images of a table, with their labels, scores or errors, in a notebook.

    Parameters
    ----------
    predictions : DataFrame
        As for `sparkvision.report.write_report`. A table of images without predictions is accepted too.
    column : str, optional
        The column of predictions, if the table has several.
    max_images : int
        The largest number of images to show.

    Returns
    -------
    Gallery
        Jupyter shows the gallery when it is the last value of a cell.

    Raises
    ------
    ParameterError
        If `max_images` is not positive, or the table has several columns of predictions and none is named.
    SessionError
        If the session lacks SparkVision's jars.

    Examples
    --------
    >>> sparkvision.display(model.transform(df), max_images=8)
    """
    from sparkvision.report.collection import Wanted, from_frame
    from sparkvision.report.columns import ReportColumns

    if max_images < 1:
        raise ParameterError(f"max_images={max_images}: give at least 1.")
    first = predictions.limit(max_images)
    return Gallery(from_frame(first, ReportColumns.of(predictions, column), Wanted(max_images)).images)


@dataclass(frozen=True)
class Gallery:
    """Images that Jupyter shows as HTML."""

    images: Sequence[LabelledImage]

    def _repr_html_(self) -> str:
        from sparkvision.report.template import render
        from sparkvision.report.thumbnail import data_uri

        return render(
            "notebook.html",
            images=[
                {
                    "path": image.path,
                    "name": image.path.rpartition("/")[2],
                    "thumbnail": data_uri(image.content) if image.content else None,
                    "found": _found(image),
                    "failed": image.error is not None,
                }
                for image in self.images
            ],
        )

    def __repr__(self) -> str:
        """Return a line for each image, for a terminal."""
        return "\n".join(f"{image.path}: {_found(image)}" for image in self.images)


def _found(image: LabelledImage) -> str:
    if image.error is not None:
        return image.error
    return ", ".join(f"{label} {score:.3f}" for label, score in image.scores)
