"""The command `sparkvision embed`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal, TypeAlias

import typer

from sparkvision.cli.command import command
from sparkvision.cli.model_option import FeatureModel, describe, load, require_model
from sparkvision.cli.spark.image_table import Folder
from sparkvision.cli.spark.places import require_folder, require_known_schemes, require_out
from sparkvision.cli.spark.session import Conf, Master
from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.manifest import FEATURE_EXTRACTION

# The metadata of a column of embeddings: which model made it, with which pooling.
MODEL = "model"
POOLING = "pooling"

Pooling: TypeAlias = Annotated[
    Literal["cls", "mean", "pooler"], typer.Option(help="how hidden states become one embedding")
]


@command(
    "embed",
    "sparkvision export my-checkpoint my-features/ --task feature-extraction",
    "sparkvision embed photos/ --model my-features/ --out embeddings.parquet",
)
def embed(
    folder: Folder,
    model: FeatureModel,
    out: Annotated[str, typer.Option(metavar="FILE", help="embeddings: a name that ends in .parquet or .json")],
    pooling: Pooling = "cls",
    master: Master = None,
    conf: Conf = None,
) -> None:
    """Embed a folder of images with Spark.

    FILE gets a row for every file, whatever its name: path, embedding (numbers, not normalised) and error.
    """
    from pyspark.sql import functions as F

    from sparkvision.cli.progress import run_with_progress
    from sparkvision.cli.spark.image_table import read_folder, require_format, require_place, write_table
    from sparkvision.cli.spark.session import spark_session
    from sparkvision.ml import ViTImageEmbeddings

    settings = SparkSettings.of(master, conf)
    require_format(out, ("parquet", "json"))
    require_out(out, settings)
    require_model(model, settings, FEATURE_EXTRACTION)
    place = require_folder(folder, settings)
    with spark_session(settings) as spark:
        require_known_schemes(spark, place, out, model)
        require_place(spark, out)
        stage = load(ViTImageEmbeddings, model, spark)
        described = describe(stage, model, spark)
        print(f"model: {described}", file=sys.stderr)
        stage.setInputCols(["path"]).setOutputCol("found").setErrorCol("error").setPooling(pooling)
        images, total = read_folder(spark, place)
        facts = {MODEL: stage.getBundleHash(), POOLING: pooling}
        embedding = F.expr("get(found, 0).embeddings").alias("embedding", metadata=facts)
        embedded = stage.transform(images).select("path", embedding, "error").persist()
        run_with_progress(spark, stage.uid, total, embedded.count)
        bad = embedded.where("error IS NOT NULL").count()
        write_table(embedded, out)
    print(f"model          {described}")
    print(f"embeddings     {out}: {total - bad:,} images, {bad:,} unusable")
