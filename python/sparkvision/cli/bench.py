"""The command `sparkvision bench`."""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparkvision.cli.command import command
from sparkvision.cli.local_places import require_folder
from sparkvision.cli.named_model import DEFAULT_MODEL, describe, require_bundle, tell_default
from sparkvision.cli.spark_session import Conf, Master
from sparkvision.cli.spark_settings import SparkSettings
from sparkvision.errors import ParameterError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from sparkvision.ml import ImageClassification

_PICTURES = 64
_SIZE = (500, 375)


@command("bench", "sparkvision bench", "sparkvision bench photos/ --model my-vit/ --pictures 128")
def bench(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="pictures, also in sub-folders (default: JPEGs made in code)"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="BUNDLE",
            help=f"folder of a bundle, or embedded:NAME (default: {DEFAULT_MODEL}, small, for handwritten digits)",
            show_default=False,
        ),
    ] = None,
    pictures: Annotated[int, typer.Option(min=8, metavar="N", help="how many pictures to run, at most")] = _PICTURES,
    master: Master = None,
    conf: Conf = None,
) -> None:
    """Tell how many pictures a second this machine labels, without Spark and with it.

    A short look, with one round to warm up and one that counts: other work on the machine shows in it.
    """
    from sparkvision._engine.image import local_file
    from sparkvision.cli.picture_table import read_folder
    from sparkvision.cli.spark_session import spark_session
    from sparkvision.ml import ImageClassification

    chosen = model or DEFAULT_MODEL
    settings = SparkSettings.of(master, conf)
    require_bundle(chosen, settings, "image-classification")
    # LocalModel reads the files on this machine.
    place = None if folder is None else require_folder(f"file:{folder.absolute()}", settings)
    if model is None:
        tell_default("the speed is that of a small model of handwritten digits", "the speed of your own")
    with tempfile.TemporaryDirectory(prefix="sparkvision-bench") as made:
        if place is None:
            _make_pictures(Path(made), pictures)
        with spark_session(settings) as spark:
            stage = ImageClassification.loadSavedModel(chosen, spark).setInputCols(["image"]).setPredictionCol("label")
            print(f"model: {describe(stage, chosen, spark)}", file=sys.stderr)
            listed, _ = read_folder(spark, place or f"file:{made}")
            rows = listed.head(pictures)
            alone = _without_spark(chosen, [local_file(row.path) for row in rows])
            piped = _with_spark(spark, stage, spark.createDataFrame(rows, listed.schema))
            _tell(spark, stage, len(rows), alone, piped)


def _without_spark(model: str, files: list[Path]) -> float:
    from sparkvision.local import LocalModel

    with LocalModel(model) as local:
        return _seconds(lambda: local.logits(files, on_error="null"))


def _with_spark(spark: SparkSession, stage: ImageClassification, paths: DataFrame) -> float:
    from sparkvision.ml import ImageAssembler

    # The files' bytes. So many tasks as cores: a short run must not leave one of them idle.
    read = ImageAssembler().setInputCol("path").setOutputCol("image").transform(paths)
    spread = read.repartition(spark.sparkContext.defaultParallelism).persist()
    spread.count()
    return _seconds(lambda: stage.transform(spread).write.format("noop").mode("overwrite").save())


def _seconds(work: Callable[[], object]) -> float:
    """Time the second of two rounds: the first opens the session and warms the JVM up."""
    work()
    start = time.monotonic()
    work()
    return time.monotonic() - start


def _tell(spark: SparkSession, stage: ImageClassification, count: int, alone: float, piped: float) -> None:
    from rich.console import Console
    from rich.table import Table

    from sparkvision._spark.metrics import metrics

    context = spark.sparkContext
    (row,) = metrics(spark).where(f"stage = '{stage.uid}'").collect()
    if row.unusable == row.pictures:
        raise ParameterError(f"none of the {count} files is a usable picture; give a folder of pictures")
    steps = {name: row[f"{name}_seconds"] for name in ("decode", "preprocess", "run", "postprocess")}
    table = Table("what ran", "pictures/s", title=f"{count} pictures")
    # By the tasks' own clocks, over both rounds: what a session would do with nothing else to wait for.
    session = row.pictures / (row.run_seconds / context.defaultParallelism)
    table.add_row("the ONNX session alone (estimated from the tasks' clocks)", f"{session:.1f}")
    table.add_row("LocalModel, no Spark job: from files to logits", f"{count / alone:.1f}")
    table.add_row(f"Spark pipeline, {context.master}: from bytes to labels", f"{count / piped:.1f}")
    console = Console()
    console.print(table)
    shares = ", ".join(f"{name} {seconds / sum(steps.values()):.0%}" for name, seconds in steps.items())
    console.print(f"the pipeline's time in its tasks: {shares}", highlight=False)
    console.print(f"execution provider: {', '.join(row.providers)}; unusable pictures: {row.unusable // 2} of {count}")


def _make_pictures(folder: Path, count: int) -> None:
    """Write JPEGs of 500 x 375, no two alike: gradients under noise, as heavy to decode as photos are."""
    import numpy as np
    from PIL import Image

    width, height = _SIZE
    y, x = np.mgrid[0:height, 0:width]
    random = np.random.default_rng(0)
    for index in range(count):
        slopes = random.uniform(-0.5, 0.5, (3, 2))
        smooth = np.stack([128 + a * (x - width / 2) + b * (y - height / 2) for a, b in slopes], axis=-1)
        pixels = np.clip(smooth + random.normal(0, 12, smooth.shape), 0, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=90)
        (folder / f"{index:04}.jpg").write_bytes(file.getvalue())
