"""What `sparkvision doctor` finds and says, where something is missing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sparkvision.cli import app, checks


def test_a_machine_without_java_is_told_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/no/such/java")
    found = checks.java()
    assert found.state == "fix" and "/no/such/java" in found.found and "install Java 17" in found.remedy


def test_an_old_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    found = checks.java()
    assert found.state == "fix" and "11.0.2" in found.found


@pytest.mark.parametrize(
    ("version", "state", "says"),
    [
        ("4.0.0", "fix", "pip install 'pyspark>=4.0.1,<5'"),
        ("4.0.1", "ok", ""),
        ("4.3.0", "ok", ""),
        ("4.99.0.dev1", "information", "was tried with 4.0.1 to 4.3.0"),
        ("5.0.0", "fix", "pip install 'pyspark>=4.0.1,<5'"),
    ],
)
def test_a_pyspark_that_is_too_old_or_was_never_tried_is_told(
    monkeypatch: pytest.MonkeyPatch, version: str, state: str, says: str
) -> None:
    monkeypatch.setattr("pyspark.__version__", version)
    found = checks.spark()
    assert found.state == state and version in found.found and says in found.remedy


def test_an_old_c_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.31"))
    assert checks.glibc().state == "fix" and "2.31" in checks.glibc().found
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.35"))
    assert checks.glibc().state == "ok"


def test_a_missing_gpu_is_information(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda command: None)
    assert checks.gpu().state == "information"


def test_a_master_that_does_not_answer_is_found_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = checks.reachable(f"spark://127.0.0.1:{free.getsockname()[1]}")
    assert found.state == "fix" and "does not answer" in found.found and "firewall" in found.remedy


def test_one_of_several_masters_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as leader, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        down, up = free.getsockname()[1], leader.getsockname()[1]
        assert checks.reachable(f"spark://127.0.0.1:{down},127.0.0.1:{up}").state == "ok"


def test_a_port_that_is_no_number_is_told() -> None:
    found = checks.reachable("spark://host:port")
    assert found.state == "fix" and "port" in found.found.removeprefix("spark://host:port")


def test_a_hindrance_exits_with_1_and_starts_no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/no/such/java")
    monkeypatch.setattr(checks, "labelling", lambda master, conf: pytest.fail("Spark must not be started"))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "Java: install Java 17" in result.stdout
