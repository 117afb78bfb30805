"""The steps of an export or import, shown on standard output or passed to a callable."""

from __future__ import annotations

import re

import pytest

from sparkvision.export.progress import ProgressOption, StepProgress

LINES = r"\[1/2\] Loading \[a\]\n      7 labels\n      done in 0\.\d s\n\[2/2\] Writing\n      done in 0\.\d s\n"


def run(progress: ProgressOption) -> None:
    steps = StepProgress(2, progress)
    with steps.step("Loading [a]"):
        steps.note("7 labels")
    with steps.step("Writing"):
        pass


def test_steps_are_numbered_and_timed_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    run(True)
    shown = capsys.readouterr()
    assert re.fullmatch(LINES, shown.out) and shown.err == ""


def test_a_callable_gets_each_line_and_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    run(lines.append)
    assert re.fullmatch(LINES, "".join(f"{line}\n" for line in lines))
    assert capsys.readouterr() == ("", "")


def test_without_progress_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    run(False)
    assert capsys.readouterr() == ("", "")


def test_a_long_line_is_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    StepProgress(1, True).note("x" * 300)
    assert capsys.readouterr().out == f"      {'x' * 300}\n"
