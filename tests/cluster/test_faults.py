"""The scenarios of `scripts/soak` in a small size: each fault, and what must hold."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest
from tests.conftest import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SCENARIOS = [
    "executor-killed",
    "driver-killed",
    "tasks-cancelled",
    "task-overtaken",
    "copies-damaged",
    "memory",
    "decoder-fuzz",
]
# Whoever is not root may mount a disk in a namespace of their own.
MAY_MOUNT = [] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]


def soak(*names: str) -> dict[str, dict[str, Any]]:
    """Run scenarios in their small size; return the figures of each."""
    only = [word for name in names for word in ("--only", name)]
    command = [*MAY_MOUNT, str(ROOT / "scripts" / "soak"), "--small", *only]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, errors = run.communicate(timeout=580)
    except subprocess.TimeoutExpired:
        run.terminate()  # not killed: it stops its cluster first
        out, errors = run.communicate(timeout=60)
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert [line["scenario"] for line in lines] == list(names), errors[-3000:]
    print("\n" + "\n".join(map(json.dumps, lines)))
    return {line["scenario"]: line for line in lines}


@pytest.fixture(scope="module")
def soaked() -> dict[str, dict[str, Any]]:
    return soak(*SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_is_lost_doubled_changed_or_left_open(soaked: dict[str, dict[str, Any]], scenario: str) -> None:
    assert soaked[scenario]["missed"] == []


def test_a_job_finishes_after_its_executor_was_killed(soaked: dict[str, dict[str, Any]]) -> None:
    assert soaked["executor-killed"]["executors_killed"] == 1


def test_an_application_starts_again_after_its_driver_was_killed(soaked: dict[str, dict[str, Any]]) -> None:
    assert soaked["driver-killed"]["drivers_killed"] == 1


def test_a_cancelled_jobs_memory_is_given_back(soaked: dict[str, dict[str, Any]]) -> None:
    figures = soaked["tasks-cancelled"]
    assert figures["tasks_killed"] >= 1
    # Else the session's memory would not show in the executor's, and the check could not fail.
    assert figures["megabytes_with_open_session"] - figures["megabytes_before"] > figures["model_megabytes"] / 2


def test_a_straggling_task_is_overtaken(soaked: dict[str, dict[str, Any]]) -> None:
    assert soaked["task-overtaken"]["tasks_overtaken"] >= 1


def test_damaged_copies_are_fetched_again(soaked: dict[str, dict[str, Any]]) -> None:
    figures = soaked["copies-damaged"]
    assert figures["copies_fetched_again"] >= figures["copies_damaged"] == 4


def test_every_damaged_file_is_decoded_or_refused(soaked: dict[str, dict[str, Any]]) -> None:
    figures = soaked["decoder-fuzz"]
    assert figures["decoded"] + figures["refused"] == figures["files_fuzzed"] == 2000


def test_a_full_or_read_only_disk_is_passed_over_or_told_clearly() -> None:
    figures = soak("disk-fails")["disk-fails"]
    assert figures["missed"] == []
    assert figures["clear_errors"] == 2 and figures["full_directory_passed_over"]
