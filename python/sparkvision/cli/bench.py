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
from sparkvision.cli.model_option import DEFAULT_MODEL, DefaultModel, describe, fetch, load, note_default, require_model
from sparkvision.cli.spark.places import require_folder, require_known_schemes
from sparkvision.cli.spark.session import Conf, Master
from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.errors import ParameterError
from sparkvision.manifest import CLASSIFICATION

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from sparkvision.ml import ImageClassification

_IMAGES = 64
_SIZE = (500, 375)


@command("bench", "sparkvision bench", "sparkvision bench photos/ --model my-vit/ --images 128")
def bench(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="images, also in sub-folders (default: JPEGs made in code)"),
    ] = None,
    model: DefaultModel = None,
    images: Annotated[int, typer.Option(min=8, metavar="N", help="how many images to run, at most")] = _IMAGES,
    master: Master = None,
    conf: Conf = None,
) -> None:
    """Measure how many images per second this machine labels, without Spark and with it.

    A quick measurement: one round warms up and one round counts, so other work on the machine changes the result.
    """
    from sparkvision._engine.image import local_file
    from sparkvision.cli.spark.image_table import read_folder
    from sparkvision.cli.spark.session import spark_session
    from sparkvision.ml import ImageClassification

    chosen = model or DEFAULT_MODEL
    settings = SparkSettings.of(master, conf)
    require_model(chosen, settings, CLASSIFICATION)
    # LocalModel reads the files on this machine.
    place = None if folder is None else require_folder(f"file:{folder.absolute()}", settings)
    if model is None:
        note_default("the speed is that of a small model of handwritten digits", "the speed of your own")
    with tempfile.TemporaryDirectory(prefix="sparkvision-bench") as made:
        if place is None:
            _make_images(Path(made), images)
        with spark_session(settings) as spark:
            require_known_schemes(spark, chosen)
            stage = load(ImageClassification, chosen, spark).setInputCols(["image"]).setPredictionCol("label")
            print(f"model: {describe(stage, chosen, spark)}", file=sys.stderr)
            listed, _ = read_folder(spark, place or f"file:{made}")
            rows = listed.head(images)
            with fetch(chosen, spark) as bundle:
                local_seconds = _without_spark(bundle, [local_file(row.path) for row in rows])
            spark_seconds = _with_spark(spark, stage, spark.createDataFrame(rows, listed.schema))
            _print_speeds(spark, stage, len(rows), local_seconds, spark_seconds)


def _without_spark(bundle: str, files: list[Path]) -> float:
    from sparkvision.local import LocalModel

    with LocalModel(bundle) as local:
        return _seconds(lambda: local.logits(files, on_error="null"))


def _with_spark(spark: SparkSession, stage: ImageClassification, paths: DataFrame) -> float:
    from sparkvision.ml import ImageAssembler

    # The bytes of the files, in as many tasks as there are cores: a short run must not leave a core idle.
    read = ImageAssembler().setInputCol("path").setOutputCol("image").transform(paths)
    spread = read.repartition(spark.sparkContext.defaultParallelism).persist()
    spread.count()
    return _seconds(lambda: stage.transform(spread).write.format("noop").mode("overwrite").save())


def _seconds(work: Callable[[], object]) -> float:
    """Time the second of two rounds: the first opens the session and warms up the JVM."""
    work()
    start = time.monotonic()
    work()
    return time.monotonic() - start


def _print_speeds(
    spark: SparkSession, stage: ImageClassification, count: int, local_seconds: float, spark_seconds: float
) -> None:
    from rich.console import Console
    from rich.table import Table

    from sparkvision._spark.metrics import metrics

    context = spark.sparkContext
    (row,) = metrics(spark).where(f"stage = '{stage.uid}'").collect()
    if row.unusable == row.images:
        raise ParameterError(f"none of the {count} files is a usable image; give a folder of images")
    steps = {name: row[f"{name}_seconds"] for name in ("decode", "preprocess", "run", "postprocess")}
    table = Table("what ran", "images/s", title=f"{count} images")
    # From the tasks' own clocks, over both rounds: the speed of a session that waits for nothing else.
    session = row.images / (row.run_seconds / context.defaultParallelism)
    table.add_row("the ONNX session alone (estimated from the tasks' clocks)", f"{session:.1f}")
    table.add_row("LocalModel, no Spark job: from files to logits", f"{count / local_seconds:.1f}")
    table.add_row(f"Spark pipeline, {context.master}: from bytes to labels", f"{count / spark_seconds:.1f}")
    console = Console()
    console.print(table)
    shares = ", ".join(f"{name} {seconds / sum(steps.values()):.0%}" for name, seconds in steps.items())
    console.print(f"the pipeline's time in its tasks: {shares}", highlight=False)
    console.print(f"execution provider: {', '.join(row.providers)}; unusable images: {row.unusable // 2} of {count}")


def _make_images(folder: Path, count: int) -> None:
    """Write different JPEGs of 500 x 375: gradients under noise, which decode as slowly as photos."""
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
