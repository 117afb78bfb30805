"""A model that was logged with an installed wheel brings SparkVision with it, which no package index has yet."""

from __future__ import annotations

import json
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from tests.conftest import EMBEDDED_BUNDLE
from tests.packaging.conftest import Distributions, fresh_environment, run, share, user_environment

pytestmark = [pytest.mark.packaging, pytest.mark.network]

SAVE = """
import sys, sparkvision.mlflow
sparkvision.mlflow.save_model(sys.argv[1], "model")
"""

PREDICT = """
import json, sys, mlflow, pandas, sparkvision
table = pandas.DataFrame({"content": [open(sys.argv[1], "rb").read()]})
(label,) = mlflow.pyfunc.load_model("model").predict(table)["label"]
print(json.dumps({"label": label, "package": sparkvision.__file__}))
"""


def test_an_environment_made_from_a_logged_model_predicts(
    distributions: Distributions, digits: list[Path], tmp_path: Path
) -> None:
    # What SparkVision itself needs is large, and is the suite's own in both environments.
    all_else = Path(str(distribution("mlflow").locate_file("")))
    logging = fresh_environment(tmp_path / "logging", "--no-deps", distributions.wheel)
    share(logging, all_else)
    quiet = user_environment() | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    run(logging, "-c", SAVE, EMBEDDED_BUNDLE, cwd=tmp_path, env=quiet)

    serving = fresh_environment(tmp_path / "serving")
    # As MLflow does it: in the model's folder.
    pip = (sys.executable, "-m", "pip", "--python", serving, "install", "--quiet", "--no-deps", "--no-compile")
    run(*pip, "-r", "requirements.txt", cwd=tmp_path / "model")
    share(serving, all_else)
    answer = json.loads(run(serving, "-c", PREDICT, digits[0], cwd=tmp_path, env=quiet).splitlines()[-1])
    assert answer["label"] == digits[0].parent.name
    assert Path(answer["package"]).is_relative_to(tmp_path / "serving")
