"""The measurement of what a model costs executors and the driver: the smallest of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_a_model_on_one_executor_is_measured(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "bench" / "scale.py"), "--same-host", "--executors", "1"]
    command += ["--model", "digits", "--record", str(tmp_path / "rows.jsonl")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert run.returncode == 0, run.stderr
    row = json.loads((tmp_path / "rows.jsonl").read_text())
    assert row["executors"] == 1
    assert row["model_bytes"] > 100_000
    assert row["seconds_to_load"] > 0 and row["seconds_to_first_labels"] > 0
    assert row["driver_cpu_seconds"] > 0 and row["executors_cpu_seconds"] > 0
    assert "driver_sent_bytes" not in row, "without namespaces nobody can count them"
