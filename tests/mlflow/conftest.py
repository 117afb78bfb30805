"""A tracking server with a database of its own, and a Pipeline that is registered there."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.conftest import ROOT

# MLflow asks for this when it is imported: tests tell nobody that they run.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, SparkSession

START_SECONDS = 120
# Without them the flavour refuses the suite's SparkVision, which is installed from a folder.
REQUIREMENTS = ["sparkvision[mlflow]"]


class Registered(NamedTuple):
    """A version in the registry, and the Pipeline that was logged there."""

    uri: str
    pipeline: PipelineModel


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def serve(arguments: list[str], port: int, health: str, folder: Path) -> Generator[str]:
    """Run one of MLflow's servers until the test is done; give its URL when it answers."""
    command = [sys.executable, "-m", "mlflow", *arguments, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    # The server starts uvicorn by its name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    source = os.pathsep.join(filter(None, [str(ROOT / "python"), os.environ.get("PYTHONPATH")]))
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("w") as log:
        # Background jobs are more processes, which take longer to start than the server itself.
        jobs = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        environment = os.environ | jobs | {"PATH": path, "PYTHONPATH": source}
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(url + health):
            ended = server.poll() is not None or time.monotonic() > deadline
            assert not ended, (folder / "log").read_text(encoding="utf-8")[-3000:]
            time.sleep(0.2)
        yield url
    finally:
        os.killpg(server.pid, 15)
        server.wait(60)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@pytest.fixture(scope="package")
def tracking_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import mlflow

    folder = tmp_path_factory.mktemp("mlflow-server")
    database = ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    artifacts = ["--artifacts-destination", str(folder / "artifacts")]
    server = serve(["server", *database, *artifacts], free_port(), "/health", folder)
    url = next(server)
    mlflow.set_tracking_uri(url)
    yield url
    server.close()


@pytest.fixture(scope="package")
def registered(tracking_server: str, spark: SparkSession, digits: list[Path]) -> Registered:
    """The embedded model in a Pipeline, in the registry as ``digits``."""
    from pyspark.ml import Pipeline

    import sparkvision.mlflow
    from sparkvision.ml import ImageAssembler, ViTForImageClassification

    vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setOutputCol("class").setErrorCol("error")
    pipeline = Pipeline(stages=[ImageAssembler(), vit.setTopK(3)]).fit(table_of(spark, digits[:1]))
    info = sparkvision.mlflow.log_model(
        pipeline,
        name="digits",
        registered_model_name="digits",
        input_example=digits[0],
        pip_requirements=REQUIREMENTS,
    )
    return Registered(f"models:/digits/{info.registered_model_version}", pipeline)


@pytest.fixture(scope="package")
def served(registered: Registered, tracking_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The registered version behind ``mlflow models serve``, in a process that has no Spark session."""
    folder = tmp_path_factory.mktemp("mlflow-serve")
    os.environ["MLFLOW_TRACKING_URI"] = tracking_server
    yield from serve(["models", "serve", "-m", registered.uri, "--env-manager", "local"], free_port(), "/ping", folder)
    del os.environ["MLFLOW_TRACKING_URI"]


def table_of(spark: SparkSession, files: list[Path]) -> DataFrame:
    rows = [(str(file), bytearray(file.read_bytes())) for file in files]
    return spark.createDataFrame(rows, "path string, content binary")


def as_text(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
