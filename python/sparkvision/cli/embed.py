"""The command `sparkvision embed`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from sparkvision.cli.command import command
from sparkvision.cli.local_places import require_folder, require_known_schemes, require_out
from sparkvision.cli.named_model import describe, load, require_bundle
from sparkvision.cli.picture_table import Folder
from sparkvision.cli.spark_session import Conf, Master
from sparkvision.cli.spark_settings import SparkSettings

# What a table of embeddings says of itself, in the metadata of its column.
MODEL = "model"
POOLING = "pooling"


@command(
    "embed",
    "sparkvision export my-checkpoint my-features/ --task feature-extraction",
    "sparkvision embed photos/ --model my-features/ --out embeddings.parquet",
)
def embed(
    folder: Folder,
    model: Annotated[str, typer.Option(metavar="BUNDLE", help="a bundle for feature-extraction: folder, URI or name")],
    out: Annotated[str, typer.Option(metavar="FILE", help="embeddings: a name that ends in .parquet or .json")],
    pooling: Annotated[
        Literal["cls", "mean", "pooler"], typer.Option(help="how hidden states become one embedding")
    ] = "cls",
    master: Master = None,
    conf: Conf = None,
) -> None:
    """Embed a folder of pictures with Spark.

    FILE gets a row for every file, whatever its name: path, embedding (numbers, not normalised) and error.
    """
    from pyspark.sql import functions as F

    from sparkvision.cli.job_progress import run_with_progress
    from sparkvision.cli.picture_table import read_folder, require_format, require_place, write_table
    from sparkvision.cli.spark_session import spark_session
    from sparkvision.ml import ViTImageEmbeddings

    settings = SparkSettings.of(master, conf)
    require_format(out, ("parquet", "json"))
    require_out(out, settings)
    require_bundle(model, settings, "feature-extraction")
    place = require_folder(folder, settings)
    with spark_session(settings) as spark:
        require_known_schemes(spark, place, out, model)
        require_place(spark, out)
        stage = load(ViTImageEmbeddings, model, spark)
        described = describe(stage, model, spark)
        print(f"model: {described}", file=sys.stderr)
        stage.setInputCols(["path"]).setOutputCol("found").setErrorCol("error").setPooling(pooling)
        pictures, total = read_folder(spark, place)
        facts = {MODEL: stage.getBundleHash(), POOLING: pooling}
        embedding = F.expr("get(found, 0).embeddings").alias("embedding", metadata=facts)
        embedded = stage.transform(pictures).select("path", embedding, "error").persist()
        run_with_progress(spark, stage.uid, total, embedded.count)
        bad = embedded.where("error IS NOT NULL").count()
        write_table(embedded, out)
    print(f"model          {described}")
    print(f"embeddings     {out}: {total - bad:,} pictures, {bad:,} unusable")
