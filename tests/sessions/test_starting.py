"""How sessions start, each in a process of its own, and what they are told where they cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_a_session_without_our_jars_names_both_remedies(tmp_path: Path) -> None:
    script = """
from pyspark.sql import SparkSession
SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
from sparkvision.ml import ImageAssembler
ImageAssembler()
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode != 0
    last = run.stderr.strip().splitlines()[-1]
    assert "SessionError" in last and "sparkvision.start()" in last and "--jars" in last


def test_a_stage_without_a_session_says_what_to_call(tmp_path: Path) -> None:
    script = "from sparkvision.ml import ImageAssembler; ImageAssembler()"
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "SessionError: There is no Spark session: call sparkvision.start() first." in run.stderr


def test_start_on_a_running_session_says_what_it_could_not_set(tmp_path: Path) -> None:
    script = """
import warnings, sparkvision
spark = sparkvision.start(master="local[1]")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert sparkvision.start(master="local[4]", gpu=True) is spark
print([str(w.message) for w in caught])
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "could not set gpu, master" in run.stdout, run.stderr


PLAIN = """
import gc, sys
import sparkvision
from pyspark import SparkContext
from pyspark.sql import SparkSession
from sparkvision.ml import ImageAssembler
def plain():
    return SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
"""


def run_python(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PLAIN + script], cwd=folder, capture_output=True, text=True, timeout=120
    )


def test_the_named_remedy_works_after_a_session_without_our_jars(tmp_path: Path) -> None:
    run = run_python(
        """
spark = plain()
table = spark.range(3)
table.count()
try:
    ImageAssembler()
except sparkvision.errors.SessionError as error:
    assert "spark.stop()" in str(error) and "sparkvision.start()" in str(error)
left = SparkContext._gateway.proc
spark.stop()
spark = sparkvision.start(master="local[1]")
print(left.poll(), ImageAssembler().getOutputCol(), spark.range(3).rdd.map(lambda row: row[0] + 1).sum())
del table
gc.collect()
""",
        tmp_path,
    )
    assert run.stdout.strip() == "0 image 6", run.stderr
    assert "Traceback" not in run.stderr


def test_a_jvm_with_our_jars_is_kept_for_the_next_session(tmp_path: Path) -> None:
    run = run_python(
        """
spark = sparkvision.start(master="local[1]")
first = SparkContext._gateway
spark.stop()
spark = sparkvision.start(master="local[1]")
print(SparkContext._gateway is first, ImageAssembler().getOutputCol())
""",
        tmp_path,
    )
    assert run.stdout.strip() == "True image", run.stderr


def test_a_running_spark_context_without_our_jars_is_refused_and_left_alone(tmp_path: Path) -> None:
    run = run_python(
        """
context = SparkContext("local[1]")
try:
    sparkvision.start()
except sparkvision.errors.SessionError as error:
    print("refused" if "without SparkVision's jars" in str(error) else error)
print(context.range(4).sum())
""",
        tmp_path,
    )
    assert run.stdout.split() == ["refused", "6"], run.stderr


def test_under_spark_submit_the_remedy_is_its_own(tmp_path: Path) -> None:
    import pyspark

    script = tmp_path / "job.py"
    script.write_text(
        """
import sparkvision
try:
    sparkvision.start()
except sparkvision.errors.SessionError as error:
    print(error)
"""
    )
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    run = subprocess.run(
        [str(submit), "--master", "local[1]", "--conf", "spark.ui.enabled=false", str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Add to spark-submit: --jars /" in run.stdout, run.stdout + run.stderr
    assert "spark.stop()" not in run.stdout


def test_a_stopped_session_is_none(tmp_path: Path) -> None:
    run = run_python(
        """
from concurrent.futures import ThreadPoolExecutor
from sparkvision import LightPipeline
from sparkvision.ml import ViTForImageClassification
from pyspark.ml import PipelineModel
spark = sparkvision.start(master="local[1]")
vit = ViTForImageClassification.pretrained().setInputCols(["content"]).setOutputCol("class")
spark.sparkContext.stop()
pool = ThreadPoolExecutor(1)
light = lambda: LightPipeline(PipelineModel([vit]))
for work in (ImageAssembler, ViTForImageClassification.pretrained, vit.labels, light):
    for call in (work, lambda: pool.submit(work).result()):
        try:
            call()
        except sparkvision.errors.SessionError as error:
            print(error)
""",
        tmp_path,
    )
    told = "There is no Spark session: call sparkvision.start() first."
    assert run.stdout.splitlines() == [told] * 8, run.stderr
