"""The command `sparkvision models`."""

from __future__ import annotations

from typing import Annotated

import typer

from sparkvision.cli.command import command
from sparkvision.cli.spark_session import Conf
from sparkvision.cli.spark_settings import SparkSettings


@command("models", "sparkvision models", "sparkvision models --home hdfs:///models")
def models(
    home: Annotated[
        str | None, typer.Option(metavar="URI", help="(default: what spark.sparkvision.modelHome says)")
    ] = None,
    conf: Conf = None,
) -> None:
    """List the models that pretrained(NAME) finds.

    They are embedded in the jar, in the folder SPARKVISION_HOME, or below spark.sparkvision.modelHome.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from sparkvision import model_home
    from sparkvision.cli.spark_session import spark_session

    settings = [*(conf or ()), *([f"spark.sparkvision.modelHome={home}"] if home else ())]
    with spark_session(SparkSettings.of(None, settings, default="local[1]")) as spark:
        found = model_home.models(spark).collect()
    table = Table()
    for column in ("name", "version", "place"):
        table.add_column(column, no_wrap=True)
    table.add_column("uri", overflow="fold")
    for row in found:
        table.add_row(row.name, row.version or "", row.place, escape(row.uri))
    Console().print(table)
