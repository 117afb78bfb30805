"""Applications on a standalone cluster: master and workers are processes of their own and share no model folder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.cluster.support.application import scala_tests_jar
from tests.cluster.support.cluster import Cluster
from tests.cluster.support.model_variants import digits_variant
from tests.conftest import FIXTURES

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# Above one chunk of what the driver sends, and without a file name of its own.
PADDING_MEGABYTES = 80


class PythonRun(NamedTuple):
    """What the Python application found, and the Pipeline that it saved."""

    found: dict[str, Any]
    pipeline: Path


@pytest.fixture(scope="module")
def python_run(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> PythonRun:
    folder = tmp_path_factory.mktemp("two-models")
    bundles = [
        digits_variant(folder / "one" / "vit", padding_megabytes=PADDING_MEGABYTES, external=True),
        digits_variant(folder / "two" / "vit", rolled=1),
    ]
    application = Path(__file__).with_name("two_models.py")
    arguments = [application, FIXTURES / "digits" / "5", *bundles, folder / "pipeline", folder / "found.json"]
    log = folder / "application.log"
    assert cluster.submit([str(argument) for argument in arguments], log).wait(timeout=240) == 0, log.read_text()[
        -3000:
    ]
    return PythonRun(json.loads((folder / "found.json").read_text()), folder / "pipeline")


def test_two_models_with_the_same_file_name_give_their_own_results(python_run: PythonRun) -> None:
    labels = python_run.found["labels"]
    assert len(labels) == len(list((FIXTURES / "digits" / "5").iterdir()))
    assert {(int(second) - int(first)) % 10 for first, second in labels.values()} == {1}
    assert sum(first == "5" for first, _ in labels.values()) >= 0.9 * len(labels)


def test_each_executor_opens_one_session_a_model(python_run: PythonRun) -> None:
    print(f"\nexecutors {python_run.found['executors']}, sessions {python_run.found['sessions']}")
    assert python_run.found["executors"] == 2
    assert python_run.found["sessions"] == 2 * 2


def test_each_executor_logs_once_a_model_what_runs_it(cluster: Cluster, python_run: PythonRun) -> None:
    logs = [log.read_text() for log in cluster.folder.glob("worker-*/work/app-*-0000/*/stderr")]
    said = [re.findall(r"INFO \w+: Model (\w{12}) \(\w+\) runs on cpu, 1 thread", log) for log in logs]
    assert len(said) == 2
    assert all(len(models) == len(set(models)) == 2 for models in said)


def test_a_scala_application_gives_the_python_applications_labels(
    cluster: Cluster, python_run: PythonRun, tmp_path: Path, log: Path
) -> None:
    rows = tmp_path / "rows.txt"
    application = [
        "--class",
        "sparkvision.ml.PipelineApplication",
        str(scala_tests_jar()),
        str(python_run.pipeline),
        str(rows),
    ]
    assert cluster.submit(application, log).wait(timeout=240) == 0, log.read_text()[-3000:]
    # A line is: the path, the labels as Scala prints a sequence, the metadata.
    found = dict(re.findall(r"^(\S+) \w+\((\d)\) ", rows.read_text(), re.MULTILINE))
    assert found == {path: first for path, (first, _) in python_run.found["labels"].items()}
