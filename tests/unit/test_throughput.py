"""What the throughput benchmark requires when it is asked to."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

from bench.throughput import shortfalls


def test_a_ratio_and_memory_within_what_is_required_pass() -> None:
    assert shortfalls(ratio=0.9, required=0.9, peak_megabytes=1000, bound_megabytes=1000) == []


def test_a_lower_ratio_is_named() -> None:
    assert shortfalls(0.899, 0.9, 1000, 2000) == ["the ratio 0.899 is below the required 0.9"]


def test_memory_above_the_bound_is_named() -> None:
    assert shortfalls(0.95, 0.9, 2001, 2000) == ["the JVM's 2001 MB are above the bound of 2000 MB"]


def test_what_is_not_met_is_named_and_in_the_exit_status() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "bench" / "throughput.py"), "--size", "vit-tiny"]
    run = subprocess.run(
        [*command, "--pictures", "8", "--rounds", "1", "--require", "1000000"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 1, run.stderr
    assert "\nratio " in run.stdout
    assert "NOT MET: the ratio" in run.stderr
