"""A Spark application on a cluster: its images, answers, progress and executors."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pyspark import InheritableThread
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.cluster.support.cluster import ROOT, Cluster, environment, wait_until

import sparkvision
from sparkvision.ml import ViTForImageClassification

FIXTURES = ROOT / "tests" / "fixtures"
SCALA_TARGET = ROOT / "jvm" / "spark" / "target" / "scala-2.13"
GOOD_IMAGES = 90
# The JVM's heap is touched as a whole at the start: memory that grows then, or is given back, is native.
WHOLE_HEAP = {"spark.executor.extraJavaOptions": "-Xms1g -XX:+AlwaysPreTouch"}


@contextmanager
def application(cluster: Cluster, config: Mapping[str, str] | None = None) -> Iterator[SparkSession]:
    """Run an application in this process, its executors on the cluster; sessions close when idle for a second."""
    settings = {
        "spark.driver.host": cluster.host,
        "spark.driver.bindAddress": cluster.host,
        "spark.driver.memory": "2g",
        "spark.local.dir": str(cluster.folder / "driver"),
        "spark.jars": str(scala_tests_jar()),
        "spark.sparkvision.sessionIdle": "1s",
        "spark.ui.port": "0",
        "spark.ui.showConsoleProgress": "false",
    }
    os.environ["SPARK_HOME"] = environment()["SPARK_HOME"]
    spark = sparkvision.start(master=cluster.url, config=settings | dict(config or {}))
    try:
        spark.sparkContext.setLogLevel("OFF")  # what fails here is meant to fail
        yield spark
    finally:
        spark.stop()


def scala_tests_jar() -> Path:
    """Return the jar of the Scala tests, which holds ExecutorProbe and PipelineApplication; built when it is stale."""
    sources = [*ROOT.glob("jvm/*/src/**/*.scala")]
    newest = max(source.stat().st_mtime for source in sources)
    pattern = "sparkvision-core_*-tests.jar"
    if not any(jar.stat().st_mtime >= newest for jar in SCALA_TARGET.glob(pattern)):
        subprocess.run(
            [ROOT / "scripts" / "sbt", "core/Test/packageBin"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        for jar in SCALA_TARGET.glob(pattern):
            os.utime(jar)  # sbt leaves a jar alone whose content would be the same
    (found,) = SCALA_TARGET.glob(pattern)
    return found


def image_files() -> list[Path]:
    """List small real images, good ones and damaged ones."""
    digits = sorted((FIXTURES / "digits").glob("*/*.png"))
    damaged = sorted(file for file in (FIXTURES / "corrupt").iterdir() if file.is_file())
    return digits[:: len(digits) // GOOD_IMAGES] + damaged


def images(spark: SparkSession, rows: int, partitions: int) -> DataFrame:
    """Make rows (id, image, content) by repeating the small images; no executor reads a file."""
    files = [(number, bytearray(file.read_bytes())) for number, file in enumerate(image_files())]
    contents = F.broadcast(spark.createDataFrame(files, "image int, content binary"))
    numbered = spark.range(0, rows, 1, partitions).withColumn("image", (F.col("id") % len(files)).cast("int"))
    return numbered.join(contents, "image")


def classifier(spark: SparkSession, bundle: Path | None = None) -> ViTForImageClassification:
    """Return the stage, with the embedded model or the one in a folder."""
    if bundle is None:
        stage = ViTForImageClassification.pretrained()
    else:
        stage = ViTForImageClassification.loadSavedModel(str(bundle), spark)
    return stage.setInputCols(["content"]).setOutputCol("class").setErrorCol("error")


class Answer(NamedTuple):
    """What the stage said to one row: the label, or the reason why there is none."""

    id: int
    image: int
    text: str


def answered(stage: ViTForImageClassification, frame: DataFrame) -> DataFrame:
    """Label the images: columns as in `Answer`."""
    text = F.coalesce(F.get("class.result", F.lit(0)), "error").alias("text")
    return stage.transform(frame).select("id", "image", text)


def answers(stage: ViTForImageClassification, frame: DataFrame) -> list[Answer]:
    """Label the images in one job."""
    return [Answer(*row) for row in answered(stage, frame).collect()]


def undisturbed(spark: SparkSession, stage: ViTForImageClassification) -> dict[int, str]:
    """Return the answer to each of the small images, of a job that nothing happens to."""
    count = len(image_files())
    return {answer.image: answer.text for answer in answers(stage, images(spark, count, partitions=4))}


def compare(given: list[Answer], rows: int, expected: Mapping[int, str]) -> dict[str, int]:
    """Count what a job should not have done to its rows."""
    times = Counter(answer.id for answer in given)
    return {
        "rows": rows,
        "rows_lost": sum(times[number] == 0 for number in range(rows)),
        "rows_duplicated": sum(count - 1 for count in times.values()),
        "rows_with_another_answer": sum(answer.text != expected[answer.image] for answer in given),
    }


def total(compared: list[dict[str, int]]) -> dict[str, int]:
    """Add up what `compare` gave for several jobs."""
    return {name: sum(counts[name] for counts in compared) for name in compared[0]}


class BackgroundJob:
    """A job that runs while something happens to it; ``tasks`` is how many it has."""

    def __init__(self, spark: SparkSession, tasks: int, action: Callable[[], Any]) -> None:
        self._context = spark.sparkContext
        self._tasks = tasks
        self.group = uuid.uuid4().hex

        self.result: Future[Any] = Future()

        def run() -> None:
            self._context.setJobGroup(self.group, "in the background", interruptOnCancel=True)
            try:
                self.result.set_result(action())
            except Exception as error:
                self.result.set_exception(error)

        # Not a plain thread: this one closes its connection to the JVM at its end, which nobody else then takes over.
        InheritableThread(run, daemon=True).start()

    def wait_for_tasks(self, finished: int, seconds: float = 120) -> None:
        """Wait until so many tasks have finished while others still run.

        Raises
        ------
        RuntimeError
            When the job ended before: it is too short to be disturbed.
        """

        def under_way() -> bool:
            if self.result.done():
                raise RuntimeError(f"the job ended before it was disturbed: {self.result.exception()}")
            return self._finished_tasks() >= finished

        wait_until(under_way, seconds)

    def _finished_tasks(self) -> int:
        tracker = self._context.statusTracker()
        jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(self.group)]
        stages = [tracker.getStageInfo(stage) for job in jobs if job for stage in job.stageIds]
        # Before it, in the same group, goes a job that broadcasts the images.
        return max((s.numCompletedTasks for s in stages if s and s.numTasks == self._tasks), default=0)


@dataclass(frozen=True)
class Executor:
    """An executor as it was seen: its name, its process, the sessions it had open."""

    name: str
    process: int
    open_sessions: int

    def resident_megabytes(self) -> float:
        """Read the resident memory of its process (Linux)."""
        status = Path(f"/proc/{self.process}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


def executors(spark: SparkSession, count: int = 2) -> list[Executor]:
    """Look into each of the ``count`` executors; waits until they all answer."""
    jvm = spark._jvm
    assert jvm is not None

    def all_of_them() -> list[Executor] | None:
        lines = [str(line).split() for line in jvm.sparkvision.ml.ExecutorProbe.states(spark._jsc.sc())]
        found = {name: Executor(name, int(process), int(sessions)) for name, process, sessions in lines}
        return list(found.values()) if len(found) == count else None

    return wait_until(all_of_them, 60)


def wait_for_closed_sessions(spark: SparkSession, count: int = 2) -> list[Executor]:
    """Wait until no executor has an open session, and return the executors."""

    def closed() -> list[Executor] | None:
        found = executors(spark, count)
        return found if not any(executor.open_sessions for executor in found) else None

    return wait_until(closed, 30)


def sessions_opened(spark: SparkSession) -> int:
    """Ask for the sessions that the application's executors have opened, by SparkVision's own metric."""
    jvm = spark._jvm
    assert jvm is not None
    return int(jvm.sparkvision.ml.model.ModelDistributor.sessionCount(spark._jsc.sc()))


def task_counts(spark: SparkSession) -> Counter[str]:
    """Count the application's tasks that were killed and that failed, as Spark's status API has them."""
    context = spark.sparkContext
    url = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/stages"
    with urllib.request.urlopen(url) as response:
        stages: list[dict[str, Any]] = json.load(response)
    return Counter({key: sum(s[f"num{key.title()}Tasks"] for s in stages) for key in ("killed", "failed")})
