"""The command `sparkvision push`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparkvision._spark.embedded import SCHEME
from sparkvision.cli.command import command
from sparkvision.cli.spark_session import Conf
from sparkvision.cli.spark_settings import SparkSettings
from sparkvision.errors import BundleError


@command(
    "push",
    "sparkvision push my-vit/ hdfs:///models",
    "sparkvision push my-vit/ s3a://lake/models --name google/vit-base:2024-06",
)
def push(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="folder of the bundle, or embedded:NAME")],
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
    from sparkvision.cli.spark_session import spark_session

    if not bundle.startswith(SCHEME) and not Path(bundle).is_dir():
        raise BundleError(f"{bundle}: there is no such folder; give a bundle's folder")
    with spark_session(SparkSettings.of(None, conf, default="local[1]")) as spark:
        print(model_home.push(bundle, home, spark, name))
