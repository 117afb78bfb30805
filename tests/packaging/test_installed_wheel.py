"""The main job, run by a user who has only pip and Java."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from tests.packaging.conftest import ROOT, run

pytestmark = pytest.mark.packaging

JOB = """
import json, sys
import pyspark, pyspark.sql, sparkvision
from pyspark.ml import Pipeline
from sparkvision.ml import ImageAssembler, ViTForImageClassification

spark = sparkvision.start(master="local[2]")
reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true").option("pathGlobFilter", "*.png")
pictures = reader.load(sys.argv[1])
vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setOutputCol("class")
assembler = ImageAssembler().setInputCol("content").setOutputCol("image")
rows = Pipeline(stages=[assembler, vit]).fit(pictures).transform(pictures).select("path", "class.result").collect()
right = sum(row.path.split("/")[-2] == row.result[0] for row in rows)
report = {"pictures": len(rows), "right": right, "pyspark": pyspark.__version__, "package": sparkvision.__file__}
print(json.dumps(report))
"""

# A proxy that is not there: whatever tries to download anything fails at once.
NO_DOWNLOADS = "-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=9 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9"


def user_environment() -> dict[str, str]:
    """This process's, less what points into the repository or its own Python."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "SPARK_", "PYSPARK_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """The held-out digits, copied away from the repository."""
    folder = tmp_path / "pictures"
    shutil.copytree(ROOT / "tests" / "fixtures" / "digits", folder)
    return folder


def test_the_wheel_labels_pictures_with_the_newest_pyspark_and_no_download(
    installed: Path, pictures: Path, tmp_path: Path
) -> None:
    job = tmp_path / "job.py"
    job.write_text(JOB, encoding="utf-8")
    output = run(installed, job, pictures, cwd=tmp_path, env=user_environment() | {"JAVA_TOOL_OPTIONS": NO_DOWNLOADS})
    report = json.loads(output.splitlines()[-1])
    print(report)
    assert Path(report["package"]).is_relative_to(installed.parents[1])
    assert report["pictures"] == len(list(pictures.rglob("*.png"))) > 0
    assert report["right"] / report["pictures"] >= 0.97


def test_the_command_line_runs_without_the_export_extra(installed: Path, tmp_path: Path) -> None:
    version = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
    assert version in run(installed.parent / "sparkvision", "--version", cwd=tmp_path, env=user_environment())


def test_a_spark_job_can_name_the_maven_artifact_instead(
    installed: Path, maven_repository: Path, pictures: Path, tmp_path: Path
) -> None:
    version = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
    job = tmp_path / "job.py"
    own_session = 'pyspark.sql.SparkSession.builder.master("local[2]").getOrCreate()'
    source = JOB.replace('sparkvision.start(master="local[2]")', own_session)
    job.write_text(source, encoding="utf-8")
    # spark-submit looks for Maven's repository in the home directory before it asks the network.
    home = {"SPARK_SUBMIT_OPTS": f"-Duser.home={maven_repository.parents[1]}", "PYSPARK_PYTHON": str(installed)}
    packages = ["--packages", f"io.github.sparkvision:sparkvision_2.13:{version}"]
    ivy = ["--conf", f"spark.jars.ivy={tmp_path / 'ivy'}"]
    environment = user_environment() | home | {"PATH": f"{installed.parent}{os.pathsep}{os.environ['PATH']}"}
    output = run(installed.parent / "spark-submit", *ivy, *packages, job, pictures, cwd=tmp_path, env=environment)
    report = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    assert report["right"] / report["pictures"] >= 0.97
