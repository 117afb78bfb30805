"""The JVM that local models run in: whose it is, and which Java it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from python_stages.manifest import read_manifest


@pytest.fixture
def java_home(tmp_path: Path) -> Path:
    """A Java home whose `java` is the real one, and leaves a file named `used` when it runs."""
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else shutil.which("java")
    script = tmp_path / "bin" / "java"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\ntouch "{tmp_path}/used"\nexec "{java}" "$@"\n')
    script.chmod(0o755)
    return tmp_path


def run_python(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_stranger_without_the_token_is_refused(tmp_path: Path) -> None:
    script = """
from py4j.java_gateway import GatewayParameters, JavaGateway
from sparkvision._engine import gateway
own = gateway.jvm()
print("ours", own.java.lang.Integer.parseInt("7"))
port = gateway._own.gateway_parameters.port
stranger = JavaGateway(gateway_parameters=GatewayParameters(port=port))
try:
    print("stranger", stranger.jvm.java.lang.Integer.parseInt("8"))
except Exception as error:
    print("refused", type(error).__name__)
"""
    run = run_python(script, tmp_path)
    assert run.stdout.splitlines()[0] == "ours 7", run.stderr
    assert run.stdout.splitlines()[1].startswith("refused Py4J"), run.stdout


def test_a_jvm_that_was_killed_is_replaced(tmp_path: Path) -> None:
    script = """
from sparkvision._engine import gateway
gateway.jvm()
gateway._own.java_process.kill()
gateway._own.java_process.wait()
print(gateway.jvm().java.lang.Integer.parseInt("7"))
"""
    run = run_python(script, tmp_path)
    assert run.stdout.strip() == "7", run.stderr


def test_java_home_chooses_the_java(java_home: Path) -> None:
    run = run_python(
        "from sparkvision._engine.gateway import jvm; print(jvm().java.lang.Integer.parseInt('7'))",
        java_home,
        JAVA_HOME=str(java_home),
    )
    assert run.stdout.strip() == "7", run.stderr
    assert (java_home / "used").exists()


def test_a_java_home_without_java_says_what_to_set(tmp_path: Path) -> None:
    run = run_python("from sparkvision._engine.gateway import jvm; jvm()", tmp_path, JAVA_HOME=str(tmp_path))
    last = run.stderr.strip().splitlines()[-1]
    assert "SessionError: No JVM could be started" in last and "JAVA_HOME" in last


def test_the_generator_uses_java_home_too(java_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_home))
    assert {stage["className"] for stage in read_manifest()} >= {"sparkvision.ml.ImageAssembler"}
    assert (java_home / "used").exists()
