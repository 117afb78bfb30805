"""The columns of a table that hold a report's images, labels, scores, errors and true labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, DataType, NumericType, StringType, StructField, StructType

from sparkvision.errors import ParameterError
from sparkvision.report.labelled_image import BUCKETS

# The most labels that the page shows for one image.
MOST_SCORES = 5

_SCORES = "array<struct<label:string,score:double>>"


@dataclass(frozen=True)
class ReportColumns:
    """Expressions over a table's columns: the fields of `LabelledImage`, and the image if there is one.

    Attributes
    ----------
    path : Column, optional
        The names of the images.
    error, truth : Column
        Strings.
    scores : Column
        An array of label and score, the best first.
    image : Column, optional
        The input of `sparkvision_thumbnail`.
    """

    path: Column | None
    scores: Column
    error: Column
    truth: Column
    image: Column | None

    @staticmethod
    def of(
        frame: DataFrame, column: str | None = None, truth: str | None = None, folders_are_labels: bool = False
    ) -> ReportColumns:
        """Find the columns.

        Parameters
        ----------
        frame : DataFrame
            The result of the stages or of ``sparkvision_predict``.
        column : str, optional
            The column of predictions: annotations, the SQL function's struct, or predictionCol. Default: the only
            column of the first two types.
        truth : str, optional
            The column of true labels.
        folders_are_labels : bool
            Whether the true labels are the names of the images' folders.

        Raises
        ------
        ParameterError
            If a column is missing, is of another type, or one of several must be named.
        """
        fields = {field.name: field for field in frame.schema}
        path = quoted("path") if _is(fields, "path", StringType) else None
        found = _predictions(fields, column)
        return ReportColumns(
            path=path,
            scores=_nothing(_SCORES) if found is None else _scores(found, fields),
            error=_error(found, fields),
            truth=_truth(fields, truth, folders_are_labels),
            image=_image(fields),
        )

    @property
    def kind(self) -> list[Column]:
        """The fields of `LabelledImage.kind`, in its order."""
        best = F.get(self.scores, F.lit(0))
        score = best["score"]
        place = F.least(F.floor(score * BUCKETS), F.lit(BUCKETS - 1)).cast("int")
        return [
            self.truth.alias("truth"),
            best["label"].alias("label"),
            F.when(score.between(0, 1), place).alias("bucket"),
            F.regexp_replace(self.error, "[0-9]+", "#").alias("reason"),
        ]


def _predictions(fields: dict[str, StructField], name: str | None) -> StructField | None:
    if name is not None:
        return _existing(fields, name, "column")
    found = [field for field in fields.values() if _is_annotation(field.dataType) or _is_prediction(field.dataType)]
    if len(found) > 1:
        names = ", ".join(field.name for field in found)
        raise ParameterError(f"The table has several columns of predictions ({names}): name one by column=.")
    return found[0] if found else None


def _scores(field: StructField, fields: dict[str, StructField]) -> Column:
    column = quoted(field.name)
    if _is_annotation(field.dataType):
        labelled = F.filter(column, lambda found: found["annotatorType"].isin("category", "detection"))
        every = F.transform(labelled, _scored)
    elif _is_prediction(field.dataType):
        every = column["labels"].cast(_SCORES)
    elif isinstance(field.dataType, NumericType):
        every = _of_class_id(field, fields)
    else:
        raise ParameterError(
            f"The column {field.name!r} has type {field.dataType.simpleString()}; predictions are annotations, the SQL "
            "function's struct, or the class ids of predictionCol."
        )
    return F.slice(F.coalesce(every, F.array().cast(_SCORES)), 1, MOST_SCORES)


def _scored(found: Column) -> Column:
    """Return an annotation's label and its own score, because several classes may have the same name."""
    return _pair(found["result"], F.element_at(found["metadata"], F.lit("score")))


def _of_class_id(field: StructField, fields: dict[str, StructField]) -> Column:
    """Return the label of a predictionCol that names its classes, and its probability in a probabilityCol."""
    from pyspark.ml.functions import vector_to_array
    from pyspark.ml.linalg import VectorUDT

    names = field.metadata.get("ml_attr", {}).get("vals")
    if not names:
        raise ParameterError(f"The column {field.name!r} does not name its classes; give the column of annotations.")
    column = quoted(field.name)
    label = F.element_at(F.array(*map(F.lit, names)), column.cast("int") + 1)
    known = _is(fields, "probability", VectorUDT)
    score = F.get(vector_to_array(quoted("probability")), column.cast("int")) if known else F.lit(None)
    return F.when(column.isNotNull(), F.array(_pair(label, score)))


def _error(found: StructField | None, fields: dict[str, StructField]) -> Column:
    if found is not None and _is_prediction(found.dataType):
        return quoted(found.name)["error"]
    return quoted("error") if _is(fields, "error", StringType) else _nothing("string")


def _truth(fields: dict[str, StructField], name: str | None, folders_are_labels: bool) -> Column:
    if folders_are_labels:
        if name is not None or not _is(fields, "path", StringType):
            raise ParameterError("folders_are_labels needs a column path, and goes with no column of true labels.")
        parts = F.split(quoted("path"), "/")
        return F.when(F.size(parts) > 1, F.element_at(parts, -2))
    return _nothing("string") if name is None else quoted(_existing(fields, name, "truth").name).cast("string")


def _image(fields: dict[str, StructField]) -> Column | None:
    if _is(fields, "content", BinaryType):
        return quoted("content")
    kinds: Sequence[str] = [name for name, field in fields.items() if _holds_images(field.dataType)]
    if kinds:
        return quoted(kinds[0])
    return quoted("path") if _is(fields, "path", StringType) else None


def _is_annotation(kind: DataType) -> bool:
    if not isinstance(kind, ArrayType) or not isinstance(kind.elementType, StructType):
        return False
    names = kind.elementType.fieldNames()
    return {"annotatorType", "result", "metadata", "embeddings"} <= set(names)


def _is_prediction(kind: DataType) -> bool:
    return isinstance(kind, StructType) and {"label", "score", "labels", "error"} <= set(kind.fieldNames())


def _holds_images(kind: DataType) -> bool:
    """Recognise an image annotation, Spark's image struct, or a binaryFile struct."""
    struct: Any = kind.elementType if isinstance(kind, ArrayType) else kind
    names = set(struct.fieldNames()) if isinstance(struct, StructType) else set()
    return {"origin", "height", "width", "nChannels", "mode"} <= names or {"path", "content"} <= names


def _is(fields: dict[str, StructField], name: str, kind: type[DataType]) -> bool:
    return name in fields and isinstance(fields[name].dataType, kind)


def _existing(fields: dict[str, StructField], name: str, parameter: str) -> StructField:
    if name not in fields:
        raise ParameterError(f"{parameter}={name!r}: there is no such column; there are {', '.join(fields)}.")
    return fields[name]


def _pair(label: Column, score: Column) -> Column:
    return F.struct(label.alias("label"), score.try_cast("double").alias("score"))


def _nothing(kind: str) -> Column:
    return F.lit(None).cast(kind)


def quoted(name: str) -> Column:
    """Return the column of this name, which may contain dots and spaces."""
    return F.col("`" + name.replace("`", "``") + "`")
