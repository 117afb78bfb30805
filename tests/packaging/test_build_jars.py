"""When scripts/build_jars.py starts sbt, and when it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "build_jars.py"

# Stands in for sbt, which takes half a minute: writes a jar, and a line for every time that it ran.
SBT = """#!/bin/sh
echo "$@" >> sbt-ran
[ -f broken ] && exit 3
echo jar > python/sparkvision/jars/sparkvision-1.jar
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with one Scala file."""
    source = tmp_path / "jvm" / "engine" / "src" / "main" / "scala" / "Engine.scala"
    source.parent.mkdir(parents=True)
    source.write_text("object Engine\n", encoding="utf-8")
    (tmp_path / "scripts").mkdir()
    for script in (SCRIPT, SCRIPT.with_name("platforms.py")):
        shutil.copy(script, tmp_path / "scripts")
    sbt = tmp_path / "scripts" / "sbt"
    sbt.write_text(SBT, encoding="utf-8")
    sbt.chmod(0o755)
    return tmp_path


def build(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(tree / "scripts" / "build_jars.py")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def times_sbt_ran(tree: Path) -> int:
    return len((tree / "sbt-ran").read_text(encoding="utf-8").splitlines())


def test_missing_jars_are_built(tree: Path) -> None:
    assert build(tree).returncode == 0
    assert (tree / "python" / "sparkvision" / "jars" / "sparkvision-1.jar").is_file()


def test_current_jars_are_left_alone(tree: Path) -> None:
    build(tree)
    assert "up to date" in build(tree).stdout
    assert times_sbt_ran(tree) == 1


def test_a_new_time_alone_makes_nothing_stale(tree: Path) -> None:
    build(tree)
    os.utime(tree / "jvm" / "engine" / "src" / "main" / "scala" / "Engine.scala")
    build(tree)
    assert times_sbt_ran(tree) == 1


@pytest.mark.parametrize(
    "changed",
    ["jvm/engine/src/main/scala/Engine.scala", "jvm/spark/src/main/resources/model.onnx", "build.sbt", "VERSION"],
)
def test_a_changed_source_makes_the_jars_stale(tree: Path, changed: str) -> None:
    build(tree)
    (tree / changed).parent.mkdir(parents=True, exist_ok=True)
    (tree / changed).write_text("changed\n", encoding="utf-8")
    build(tree)
    assert times_sbt_ran(tree) == 2


def test_a_deleted_jar_is_built_again(tree: Path) -> None:
    build(tree)
    (tree / "python" / "sparkvision" / "jars" / "sparkvision-1.jar").unlink()
    build(tree)
    assert times_sbt_ran(tree) == 2


def test_a_failed_build_says_so_and_is_not_taken_for_current(tree: Path) -> None:
    build(tree)
    (tree / "VERSION").write_text("2\n", encoding="utf-8")
    (tree / "broken").touch()
    failed = build(tree)
    assert failed.returncode == 1
    assert "scripts/sbt wheelJars exited with 3" in failed.stderr
    (tree / "broken").unlink()
    assert build(tree).returncode == 0
    assert times_sbt_ran(tree) == 3
