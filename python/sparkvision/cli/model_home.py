"""The commands `sparkvision models` and `sparkvision push`, which list and fill a model home."""

from __future__ import annotations

from typing import Annotated

import typer

from sparkvision.cli.command import command
from sparkvision.cli.model_option import ModelArgument, default_name, fetch, require_model
from sparkvision.cli.spark.session import Conf
from sparkvision.cli.spark.settings import SparkSettings


@command("models", "sparkvision models", "sparkvision models --home hdfs:///models")
def models(
    home: Annotated[
        str | None, typer.Option(metavar="URI", help="(default: the setting spark.sparkvision.modelHome)")
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
    from sparkvision.cli.spark.session import spark_session

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


@command(
    "push",
    "sparkvision push my-vit/ hdfs:///models",
    "sparkvision push my-vit/ s3a://lake/models --name google/vit-base:2024-06",
)
def push(
    model: ModelArgument,
    home: Annotated[
        str, typer.Argument(metavar="URI", help="the model home: a folder, or any URI that Hadoop writes to")
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME[:VERSION]", help="(default: the folder's name, and the next whole number)"),
    ] = None,
    conf: Conf = None,
) -> None:
    """Put a bundle into a model home, for pretrained(NAME).

    It is written whole or not at all, to URI/NAME/VERSION. A version is never replaced by another bundle.
    """
    from sparkvision import model_home
    from sparkvision.cli.spark.session import spark_session

    settings = SparkSettings.of(None, conf, default="local[1]")
    require_model(model, settings)
    with spark_session(settings) as spark, fetch(model, spark) as bundle:
        print(model_home.push(bundle, home, spark, name or default_name(model)))
