"""How a Spark Connect session begins, and what is said when it cannot."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import EMBEDDED_BUNDLE, ConnectServer

import sparkvision
from sparkvision.errors import ParameterError

pytestmark = pytest.mark.connect_only


def run_python(script: str, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, which has no session yet."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=folder,
        # Two local servers on one machine would both want port 15002; pyspark's tests take a free one.
        env={**os.environ, "SPARK_TESTING": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_no_server_is_noticed_at_once(tmp_path: Path) -> None:
    script = """
import sparkvision, time
began = time.monotonic()
try:
    sparkvision.start(remote="sc://127.0.0.1:1")
except sparkvision.errors.SessionError as error:
    print(time.monotonic() - began < 18, error)  # less than the 20 s that a silent server is given
"""
    run = run_python(script, tmp_path)
    assert run.stdout.startswith("True No Spark Connect server answers at sc://127.0.0.1:1."), run.stdout + run.stderr


def test_missing_libraries_are_told_with_what_to_install(tmp_path: Path) -> None:
    script = """
import sys
sys.modules["grpc"] = None  # as where it is not installed
import sparkvision
try:
    sparkvision.start(remote="sc://127.0.0.1:1")
except sparkvision.errors.SessionError as error:
    print(error)
"""
    run = run_python(script, tmp_path)
    assert "pip install 'sparkvision[connect]'" in run.stdout, run.stdout + run.stderr


def test_a_port_that_is_taken_is_told_before_a_server_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = [sys.executable, "-m", "sparkvision.cli", "connect-server", "--port", str(port)]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (1, "")
    assert (
        run.stderr.startswith(f"sparkvision: the server cannot start at 127.0.0.1:{port}:")
        and run.stderr.count("\n") == 1
    )


def test_a_server_without_our_jars_is_told_what_to_start_it_with(tmp_path: Path) -> None:
    script = """
import sparkvision
from pyspark.sql import SparkSession
SparkSession.builder.remote("local[1]").config("spark.ui.enabled", "false").getOrCreate()
try:
    sparkvision.start()
except sparkvision.errors.SessionError as error:
    print(error)
"""
    run = run_python(script, tmp_path)
    assert "The Spark Connect server has no sparkvision.ml.ImageAssembler" in run.stdout, run.stdout + run.stderr
    assert "sparkvision connect-server" in run.stdout and "--jars" in run.stdout


def test_start_with_a_local_remote_brings_its_own_server(tmp_path: Path, digits: list[Path]) -> None:
    script = """
import sys, sparkvision
from pyspark.sql.utils import is_remote
from sparkvision.ml import ViTForImageClassification
spark = sparkvision.start(remote="local[2]", config={"spark.ui.enabled": "false"})
images = spark.read.format("binaryFile").load(sys.argv[1])
vit = ViTForImageClassification.pretrained(inputCols="content", outputCol="class")
print(is_remote(), vit.transform(images).head()["class"][0]["result"])
spark.stop()
"""
    run = run_python(script, tmp_path, str(digits[0]))
    assert run.stdout.split() == ["True", "0"], run.stdout + run.stderr


@pytest.mark.parametrize("setting", [{"master": "local[2]"}, {"gpu": True}, {"memory_for": "my-vit"}])
def test_settings_of_the_server_are_refused_beside_its_url(setting: dict[str, object]) -> None:
    (name,) = setting
    with pytest.raises(ParameterError, match=f"{name} is a setting of the server"):
        sparkvision.start(remote="sc://127.0.0.1:1", **setting)  # type: ignore[arg-type]


def test_a_server_without_a_model_home_says_where_to_set_one(connect_server: ConnectServer, tmp_path: Path) -> None:
    shutil.copytree(EMBEDDED_BUNDLE, tmp_path / "mine")
    script = """
import sys, sparkvision
from sparkvision.ml import ViTForImageClassification
spark = sparkvision.start(remote=sys.argv[1], config={"spark.sparkvision.modelHome": ""})
try:
    ViTForImageClassification.loadSavedModel("mine", spark)
except sparkvision.errors.SessionError as error:
    print(error)
"""
    run = run_python(script, tmp_path, connect_server.url)
    assert "on this machine only" in run.stdout and "--model-home" in run.stdout, run.stdout + run.stderr


def test_a_second_start_gives_the_running_session(connect_server: ConnectServer, spark: object) -> None:
    assert sparkvision.start() is spark
    with pytest.warns(UserWarning, match="could not set remote"):
        assert sparkvision.start(remote=connect_server.url) is spark
