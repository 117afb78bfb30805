"""The command `sparkvision classify`."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sparkvision._output_place import require_writable_file
from sparkvision.cli.command import command
from sparkvision.cli.model_option import DEFAULT_MODEL, DefaultModel, describe, load, note_default, require_model
from sparkvision.cli.spark.image_table import Folder
from sparkvision.cli.spark.places import require_folder, require_known_schemes, require_out
from sparkvision.cli.spark.session import Conf, Master
from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.manifest import CLASSIFICATION

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SUMMARY_LABELS = 10


@command(
    "classify",
    "sparkvision classify photos/ --out predictions.csv",
    "sparkvision classify photos/ --model my-vit/ --out predictions.parquet --top-k 3 --report report.html",
    "sparkvision classify s3a://lake/photos --model my-vit:2 --out s3a://lake/labels.parquet --master spark://host:7077",
)
def classify(
    folder: Folder,
    out: Annotated[str, typer.Option(metavar="FILE", help="predictions: a name that ends in .parquet, .csv or .json")],
    model: DefaultModel = None,
    top_k: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="labels per image, at most, best first (default: 1; of a multi-label model all from 0.5 on)",
            show_default=False,
        ),
    ] = None,
    mode: Annotated[
        Literal["PERMISSIVE", "DROPMALFORMED", "FAILFAST"],
        typer.Option(help="for an image that cannot be used: a row with the reason, no row, or the whole job fails"),
    ] = "PERMISSIVE",
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="also write an HTML page: report.html")
    ] = None,
    master: Master = None,
    conf: Conf = None,
) -> None:
    """Label a folder of images with Spark.

    FILE gets a row for every file, whatever its name: path, label, score (a second label: label_2, score_2) and error.
    """
    from sparkvision.cli.progress import run_with_progress
    from sparkvision.cli.spark.image_table import read_folder, require_format, require_place, write_table
    from sparkvision.cli.spark.session import spark_session
    from sparkvision.ml import ImageClassification

    chosen = model or DEFAULT_MODEL
    settings = SparkSettings.of(master, conf)
    require_format(out)
    require_out(out, settings)
    if report is not None:
        require_writable_file(report)
    require_model(chosen, settings, CLASSIFICATION)
    place = require_folder(folder, settings)
    if model is None:
        note_default("images are labelled as handwritten digits, 0 to 9", "classes of your own")
    with spark_session(settings) as spark:
        require_known_schemes(spark, place, out, chosen)
        require_place(spark, out)
        stage = load(ImageClassification, chosen, spark)
        described = describe(stage, chosen, spark)
        print(f"model: {described}", file=sys.stderr)
        stage.setInputCols(["path"]).setOutputCol("class").setErrorCol("error").setBadImageMode(mode)
        if top_k is not None:
            stage.setTopK(top_k)
        images, total = read_folder(spark, place)
        labelled = stage.transform(images).select("path", "class", "error").persist()
        start = time.monotonic()
        run_with_progress(spark, stage.uid, total, labelled.count)
        seconds = time.monotonic() - start
        write_table(_flat(labelled, top_k or _most_labels(labelled)), out)
        if report is not None:
            from sparkvision.report import write_report

            write_report(labelled, report, title=f"{folder}, labelled by {described}")
        _print_summary(labelled, total, seconds, chosen)
    print(f"model          {described}")
    print(f"predictions    {out}")
    if report is not None:
        print(f"report         {report}")


def _most_labels(labelled: DataFrame) -> int:
    """Return the largest number of labels of an image, at least 1."""
    (row,) = labelled.selectExpr("greatest(max(size(class)), 1) AS most").collect()
    return int(row.most)


def _flat(labelled: DataFrame, labels: int) -> DataFrame:
    """Return the labels in columns of their own, which every format can have."""
    columns = ["path"]
    for rank in range(labels):
        suffix = f"_{rank + 1}" if rank else ""
        best = f"get(class, {rank})"
        columns.append(f"{best}.result AS label{suffix}")
        columns.append(f"TRY_CAST({best}.metadata['score'] AS DOUBLE) AS score{suffix}")
    return labelled.selectExpr(*columns, "error")


def _print_summary(labelled: DataFrame, total: int, seconds: float, model: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    best = labelled.selectExpr(
        "get(class, 0).result AS label", "get(class, 0).metadata['id'] AS id", "error IS NOT NULL AS bad"
    )
    rows = sorted(best.groupBy("label", "id", "bad").count().collect(), key=lambda row: -row["count"])
    names = Counter(row.label for row in rows if not row.bad)
    # Several classes may have the same name.
    labels = [
        (row.label if names[row.label] == 1 else f"{row.label} ({row.id})", row["count"]) for row in rows if not row.bad
    ]
    bad = sum(row["count"] for row in rows if row.bad)
    table = Table("label", caption=escape(f"labels of {model}"))
    table.add_column("images", justify="right")
    for label, count in labels[:_SUMMARY_LABELS]:
        table.add_row("(none)" if label is None else escape(label), f"{count:,}")
    if others := labels[_SUMMARY_LABELS:]:
        table.add_row(f"{len(others)} other labels", f"{sum(count for _, count in others):,}")
    if bad:
        table.add_row("unusable images", f"{bad:,}", style="red")
    print(f"{total:,} images in {seconds:.1f} s: {total / seconds:,.1f} images/s")
    Console().print(table)
