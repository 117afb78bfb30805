"""The main job, run by a user who has only pip and Java."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.packaging.compatibility import CLASSIFY, NEWEST, RIGHT, WORKS, commands, session
from tests.packaging.conftest import (
    ROOT,
    VERSION,
    fresh_environment,
    packages_of,
    run,
    share,
    user_environment,
)

from sparkvision.cli.checks import OLDEST_SPARK

pytestmark = [pytest.mark.packaging, pytest.mark.network]

JOB = Path(__file__).with_name("label_digits.py")

# A proxy that is not there: whatever tries to download anything fails at once.
NO_DOWNLOADS = "-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=9 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9"


# The suite's own, which pip has in its cache, stands for the versions between.
SPARKS = (NEWEST, version("pyspark"), ".".join(map(str, OLDEST_SPARK)))


@pytest.fixture(scope="module", params=SPARKS)
def any_spark(request: pytest.FixtureRequest, installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel and one of the Sparks."""
    if request.param == NEWEST:
        return installed
    python = fresh_environment(tmp_path_factory.mktemp("spark") / "venv", f"pyspark=={request.param}")
    share(python, packages_of(installed))
    return python


def test_classify_writes_labels_and_a_report_with_any_spark(any_spark: Path, tmp_path: Path) -> None:
    assert commands(any_spark, tmp_path, [CLASSIFY]) == WORKS


@pytest.mark.parametrize("any_spark", SPARKS[1:], indirect=True)  # the next test has the newest
def test_a_pipeline_the_sql_function_and_the_metrics_work_with_other_sparks(any_spark: Path, tmp_path: Path) -> None:
    assert session(any_spark, tmp_path) == WORKS


def test_the_wheel_labels_images_with_the_newest_pyspark_and_no_download(
    installed: Path, copied_digits: Path, tmp_path: Path
) -> None:
    environment = user_environment() | {"JAVA_TOOL_OPTIONS": NO_DOWNLOADS}
    output = run(installed, JOB, copied_digits, cwd=tmp_path, env=environment)
    report = json.loads(output.splitlines()[-1])
    print(report)
    assert Path(report["package"]).is_relative_to(installed.parents[1])
    assert report["images"] == len(list(copied_digits.rglob("*.png"))) > 0
    assert report["right"] / report["images"] >= RIGHT
    assert report["right_in_sql"] == report["right"] and report["counted"] >= 2 * report["images"]


def test_the_readmes_ten_lines_run_as_pasted_with_the_newest_pyspark(installed: Path, tmp_path: Path) -> None:
    (ten_lines,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    output = run(installed, "-c", ten_lines, cwd=tmp_path, env=user_environment())
    assert output.splitlines()[-1] == "{'class': ['7']}"


def test_the_command_line_runs_without_the_export_extra(installed: Path, tmp_path: Path) -> None:
    assert VERSION in run(installed.parent / "sparkvision", "--version", cwd=tmp_path, env=user_environment())


def test_a_spark_job_can_name_the_maven_artifact_instead(
    installed: Path, maven_repository: Path, copied_digits: Path, tmp_path: Path
) -> None:
    # spark-submit looks for Maven's repository in the home directory before it asks the network.
    home = {"SPARK_SUBMIT_OPTS": f"-Duser.home={maven_repository.parents[1]}", "PYSPARK_PYTHON": str(installed)}
    packages = ["--packages", f"io.github.sparkvision:sparkvision_2.13:{VERSION}"]
    ivy = ["--conf", f"spark.jars.ivy={tmp_path / 'ivy'}"]
    environment = user_environment() | home | {"PATH": f"{installed.parent}{os.pathsep}{os.environ['PATH']}"}
    job: list[str | Path] = [JOB, copied_digits, "--own-session"]
    output = run(installed.parent / "spark-submit", *ivy, *packages, *job, cwd=tmp_path, env=environment)
    report = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    assert report["right"] / report["images"] >= RIGHT
    assert report["right_in_sql"] == report["right"]


def test_the_wheel_starts_a_spark_connect_server(installed: Path, tmp_path: Path) -> None:
    command = [str(installed.parent / "sparkvision"), "connect-server", "--port", "0", "--master", "local[1]"]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=user_environment(), stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert server.stdout is not None
    assert server.stdout.readline().startswith("sc://127.0.0.1:"), (tmp_path / "log").read_text()[-3000:]
    server.send_signal(signal.SIGINT)
    assert server.wait(60) == 0
