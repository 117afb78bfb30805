"""Images that go on arriving: Structured Streaming gives every image its row exactly once, whatever happens."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.conftest import FIXTURES

from sparkvision.ml import ImageAssembler, ViTForImageClassification

BINARY_FILE = "path string, modificationTime timestamp, length long, content binary"
# Spark's file sources leave out files without a byte; they have no row that could get a reason.
CORRUPT = sorted(file for file in (FIXTURES / "corrupt").glob("*.[jp][pn]g") if file.stat().st_size > 0)


@pytest.fixture
def model(spark: SparkSession) -> PipelineModel:
    vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setOutputCol("class").setErrorCol("error")
    return PipelineModel([ImageAssembler(), vit])


def incoming(spark: SparkSession, folder: Path) -> DataFrame:
    """A stream of the images in a folder, four a micro-batch."""
    reader = spark.readStream.format("binaryFile").schema(BINARY_FILE).option("maxFilesPerTrigger", 4)
    return reader.option("pathGlobFilter", "*.{png,jpg}").load(str(folder))


def label_and_reason(labelled: DataFrame) -> DataFrame:
    return labelled.select("path", F.get("class.result", 0).alias("label"), "error")


def arrive(images: list[Path], folder: Path) -> None:
    """Put images into a folder under their own names; whole ones only, as a file stream wants them."""
    folder.mkdir(exist_ok=True)
    for image in images:
        half = folder / f".{image.name}"
        shutil.copy(image, half)
        half.rename(folder / image.name)


def results(spark: SparkSession, folder: Path) -> dict[str, tuple[str | None, str | None]]:
    """Label and reason of each image by its name; no name may be there twice."""
    rows = spark.read.parquet(str(folder)).collect()
    names = Counter(row["path"].rpartition("/")[2] for row in rows)
    assert [name for name, count in names.items() if count > 1] == []
    return {row["path"].rpartition("/")[2]: (row["label"], row["error"]) for row in rows}


def run_to_the_end(labelled: DataFrame, out: Path, checkpoint: Path) -> None:
    """Label what has arrived by now."""
    writer = labelled.writeStream.format("parquet").option("checkpointLocation", str(checkpoint))
    query = writer.trigger(availableNow=True).start(str(out))
    assert query.awaitTermination(120)


def test_a_binary_file_stream_labels_every_image_once(
    spark: SparkSession, model: PipelineModel, digits: list[Path], tmp_path: Path
) -> None:
    arrive(digits[::40], tmp_path / "in")
    labelled = label_and_reason(model.transform(incoming(spark, tmp_path / "in")))
    run_to_the_end(labelled, tmp_path / "out", tmp_path / "checkpoint")
    batch = label_and_reason(model.transform(spark.read.format("binaryFile").load(str(tmp_path / "in"))))
    expected = {row["path"].rpartition("/")[2]: (row["label"], row["error"]) for row in batch.collect()}
    assert results(spark, tmp_path / "out") == expected and len(expected) == 9


def test_a_parquet_stream_labels_every_image_once(
    spark: SparkSession, model: PipelineModel, digits: list[Path], tmp_path: Path
) -> None:
    rows = [(f"{file.parent.name}/{file.name}", bytearray(file.read_bytes())) for file in digits[::20]]
    table = spark.createDataFrame(rows, "path string, content binary")
    table.repartition(6).write.parquet(str(tmp_path / "in"))
    stream = spark.readStream.schema(table.schema).option("maxFilesPerTrigger", 2).parquet(str(tmp_path / "in"))
    run_to_the_end(label_and_reason(model.transform(stream)), tmp_path / "out", tmp_path / "checkpoint")
    found = spark.read.parquet(str(tmp_path / "out")).collect()
    assert sorted(row["path"] for row in found) == sorted(path for path, _ in rows)
    right = sum(row["path"].startswith(row["label"]) for row in found)
    assert right / len(rows) >= 0.9


def test_corrupt_images_that_arrive_in_between_get_their_reason(
    spark: SparkSession, model: PipelineModel, digits: list[Path], tmp_path: Path
) -> None:
    good = digits[::60]
    (tmp_path / "in").mkdir()
    labelled = label_and_reason(model.transform(incoming(spark, tmp_path / "in")))
    # One query, run three times: what its checkpoint knows is not labelled again.
    for arriving in (good[:3], [*CORRUPT, *good[3:5]], good[5:]):
        arrive(arriving, tmp_path / "in")
        run_to_the_end(labelled, tmp_path / "out", tmp_path / "checkpoint")
    found = results(spark, tmp_path / "out")
    assert set(found) == {file.name for file in [*good, *CORRUPT]}
    for file in good:
        assert found[file.name] == (file.parent.name, None)
    for file in CORRUPT:
        label, reason = found[file.name]
        assert label is None and reason, file.name


def test_foreach_batch_transforms_each_batch(spark: SparkSession, digits: list[Path], tmp_path: Path) -> None:
    arrive(digits[::40], tmp_path / "in")
    out = str(tmp_path / "out")

    def label(batch: DataFrame, number: int) -> None:
        # Made here: over Spark Connect this function runs in a process of the server's, with a session of its own.
        from sparkvision.ml import ViTForImageClassification

        vit = ViTForImageClassification.pretrained().setInputCols(["content"]).setOutputCol("class")
        labelled = vit.transform(batch).selectExpr("path", "get(class.result, 0) label", "cast(null as string) error")
        labelled.write.mode("append").parquet(out)

    writer = incoming(spark, tmp_path / "in").writeStream.foreachBatch(label)
    writer = writer.option("checkpointLocation", str(tmp_path / "checkpoint"))
    assert writer.trigger(availableNow=True).start().awaitTermination(120)
    found = results(spark, tmp_path / "out")
    assert found == {file.name: (file.parent.name, None) for file in digits[::40]}


QUERY = """
import sys
import sparkvision
from tests.spark.sql.test_streaming import *

folder = Path(sys.argv[1])
spark = sparkvision.start(master="local[2]", config={"spark.ui.enabled": "false"})
vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setOutputCol("class").setErrorCol("error")
labelled = label_and_reason(PipelineModel([ImageAssembler(), vit]).transform(incoming(spark, folder / "in")))
run_to_the_end(labelled, folder / "out", folder / "checkpoint")
"""


@pytest.mark.classic_only("kills the driver, which over Spark Connect is the server of all the tests")
def test_a_query_whose_driver_was_killed_goes_on_with_every_image_exactly_once(
    spark: SparkSession, digits: list[Path], tmp_path: Path
) -> None:
    good = digits[::5]
    arrive([*good, *CORRUPT], tmp_path / "in")
    first = start_query(tmp_path)
    committed = tmp_path / "checkpoint" / "commits"
    deadline = time.monotonic() + 120
    try:
        while not (tmp_path / "checkpoint" / "offsets" / "4").exists():  # the fifth batch is on its way
            assert first.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()[-3000:]
            time.sleep(0.01)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(first.pid, signal.SIGKILL)  # Python and its JVM at once: no one is left to tidy up
        first.wait()
    done = len(list(committed.glob("[0-9]*")))
    batches = -(-(len(good) + len(CORRUPT)) // 4)
    assert done < batches, "the query was over before it was killed"
    assert start_query(tmp_path).wait(240) == 0, (tmp_path / "log").read_text()[-3000:]
    found = results(spark, tmp_path / "out")
    print(f"\nkilled after {done} of {batches} batches; {len(found)} images, none twice")
    assert set(found) == {file.name for file in [*good, *CORRUPT]}
    assert sum(found[file.name][0] == file.parent.name for file in good) / len(good) >= 0.97
    assert all(found[file.name][1] for file in CORRUPT)


def start_query(folder: Path) -> subprocess.Popen[bytes]:
    """Run the query in a driver of its own, in a process group of its own."""
    with (folder / "log").open("ab") as log:
        command = [sys.executable, "-c", QUERY, str(folder)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder, start_new_session=True)
