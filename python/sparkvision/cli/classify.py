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
from sparkvision.cli.local_places import require_folder, require_known_schemes, require_out
from sparkvision.cli.named_model import DEFAULT_MODEL, describe, load, require_bundle, tell_default
from sparkvision.cli.picture_table import Folder
from sparkvision.cli.spark_session import Conf, Master
from sparkvision.cli.spark_settings import SparkSettings

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
    model: Annotated[
        str | None,
        typer.Option(
            metavar="BUNDLE",
            help="a bundle's folder or URI, embedded:NAME, or a name that `models` lists "
            f"(default: {DEFAULT_MODEL}, which reads handwritten digits)",
            show_default=False,
        ),
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, metavar="N", help="labels a picture, best first")] = 1,
    mode: Annotated[
        Literal["PERMISSIVE", "DROPMALFORMED", "FAILFAST"],
        typer.Option(
            help="what becomes of a picture that cannot be used: its row has the reason, it is left out, or all fails"
        ),
    ] = "PERMISSIVE",
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="also write a page to look at: report.html")
    ] = None,
    master: Master = None,
    conf: Conf = None,
) -> None:
    """Label a folder of pictures with Spark.

    FILE gets a row for every file, whatever its name: path, label, score (with --top-k 2: label_2, score_2) and error.
    """
    from sparkvision.cli.job_progress import run_with_progress
    from sparkvision.cli.picture_table import read_folder, require_format, require_place, write_table
    from sparkvision.cli.spark_session import spark_session
    from sparkvision.ml import ImageClassification

    chosen = model or DEFAULT_MODEL
    settings = SparkSettings.of(master, conf)
    require_format(out)
    require_out(out, settings)
    if report is not None:
        require_writable_file(report)
    require_bundle(chosen, settings, "image-classification")
    place = require_folder(folder, settings)
    if model is None:
        tell_default("images are labelled as handwritten digits, 0 to 9", "classes of your own")
    with spark_session(settings) as spark:
        require_known_schemes(spark, place, out, chosen)
        require_place(spark, out)
        stage = load(ImageClassification, chosen, spark)
        described = describe(stage, chosen, spark)
        print(f"model: {described}", file=sys.stderr)
        stage.setInputCols(["path"]).setOutputCol("class").setErrorCol("error").setBadImageMode(mode).setTopK(top_k)
        pictures, total = read_folder(spark, place)
        labelled = stage.transform(pictures).select("path", "class", "error").persist()
        start = time.monotonic()
        run_with_progress(spark, stage.uid, total, labelled.count)
        seconds = time.monotonic() - start
        write_table(_flat(labelled, top_k), out)
        if report is not None:
            from sparkvision.report import write_report

            write_report(labelled, report, title=f"{folder}, labelled by {described}")
        _summarize(labelled, total, seconds, chosen)
    print(f"model          {described}")
    print(f"predictions    {out}")
    if report is not None:
        print(f"report         {report}")


def _flat(labelled: DataFrame, top_k: int) -> DataFrame:
    """Give columns that every format has."""
    columns = ["path"]
    for rank in range(top_k):
        suffix = f"_{rank + 1}" if rank else ""
        best = f"get(class, {rank})"
        columns.append(f"{best}.result AS label{suffix}")
        columns.append(f"TRY_CAST({best}.metadata['score'] AS DOUBLE) AS score{suffix}")
    return labelled.selectExpr(*columns, "error")


def _summarize(labelled: DataFrame, total: int, seconds: float, model: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    best = labelled.selectExpr(
        "get(class, 0).result AS label", "get(class, 0).metadata['id'] AS id", "error IS NOT NULL AS bad"
    )
    rows = sorted(best.groupBy("label", "id", "bad").count().collect(), key=lambda row: -row["count"])
    names = Counter(row.label for row in rows if not row.bad)
    # Several classes may have one name.
    labels = [
        (row.label if names[row.label] == 1 else f"{row.label} ({row.id})", row["count"]) for row in rows if not row.bad
    ]
    bad = sum(row["count"] for row in rows if row.bad)
    table = Table("label", caption=escape(f"labels of {model}"))
    table.add_column("pictures", justify="right")
    for label, count in labels[:_SUMMARY_LABELS]:
        table.add_row("(none)" if label is None else escape(label), f"{count:,}")
    if others := labels[_SUMMARY_LABELS:]:
        table.add_row(f"{len(others)} other labels", f"{sum(count for _, count in others):,}")
    if bad:
        table.add_row("unusable pictures", f"{bad:,}", style="red")
    print(f"{total:,} pictures in {seconds:.1f} s: {total / seconds:,.1f} pictures/s")
    Console().print(table)
