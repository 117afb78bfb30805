"""The benchmark of the peers: a slice of it, small enough for every day."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import EMBEDDED_BUNDLE, FIXTURES, ROOT

from bench.peers import chosen
from bench.rivals.contestant import Setting, Work, class_number
from bench.rivals.images import KINDS
from bench.rivals.peer_process import PeerFailed, PeerProcess
from bench.rivals.roster import PEERS, Peer
from bench.rivals.workloads import WORKLOADS

DIGIT = FIXTURES / "digits" / "7"


def test_two_peers_label_the_same_images_in_turn(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "bench" / "peers.py"), "--workload", "digits-100"]
    command += ["--only", "local-model", "--count", "16", "--rounds", "2", "--record", str(tmp_path / "rows.jsonl")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    cold = {row["peer"]: row["label"] for row in rows if row["phase"] == "cold"}
    assert cold.keys() == {"onnxruntime", "local-model"}
    assert len(set(cold.values())) == 1, f"the peers do not compute the same: {cold}"
    turns = [(row["phase"], row["round"], row["peer"]) for row in rows if row["phase"] != "cold"]
    assert turns == [
        ("warm-up", 0, "onnxruntime"),
        ("warm-up", 0, "local-model"),
        ("warm", 1, "local-model"),
        ("warm", 1, "onnxruntime"),
        ("warm", 2, "onnxruntime"),
        ("warm", 2, "local-model"),
    ]
    for row in rows:
        assert row["seconds"] > 0 and row["peak_megabytes"] > 20
        assert row["phase"] == "cold" or 0 <= row["others_cores"] < 1000
        assert row["commit"] and row["machine"]["cores"] and row["time"] >= row["run"]


def test_a_peer_that_cannot_be_had_says_why(tmp_path: Path) -> None:
    setting = Setting(str(EMBEDDED_BUNDLE), "", str(next(DIGIT.iterdir())), 1, str(tmp_path), {"noSuchMode": "x"})
    with pytest.raises(PeerFailed, match="this checkout has no Param noSuchMode"):
        PeerProcess(PEERS["sparkvision"], setting, tmp_path / "log")


def test_a_peer_whose_process_ends_is_noticed(tmp_path: Path) -> None:
    setting = Setting(str(EMBEDDED_BUNDLE), "", "", 1, str(tmp_path))
    with pytest.raises(PeerFailed, match="the process ended; see .*log"):
        PeerProcess(Peer("bench.rivals.no_such_peer", "", ""), setting, tmp_path / "log")
    assert "no_such_peer" in (tmp_path / "log").read_text()


def test_images_are_repeated_up_to_the_count(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name)
    assert Work(str(tmp_path), 5, 1).images() == [b"a", b"b", b"c", b"a", b"b"]
    assert Work(str(tmp_path), 2, 1).images() == [b"a", b"b"]


def test_a_class_is_the_same_by_name_and_by_id() -> None:
    assert class_number("class 0089") == class_number("89") == "89"


def test_the_reference_is_measured_beside_a_chosen_peer() -> None:
    (workload,) = chosen(["vit-tiny-jpeg"], ["pandas-udf"], rounds=1, count=8)
    assert workload.peers == ("onnxruntime", "pandas-udf")
    assert (workload.rounds, workload.count) == (1, 8)


def test_every_workload_names_peers_and_images_that_exist() -> None:
    for workload in WORKLOADS:
        assert set(workload.peers) <= set(PEERS) and workload.images in KINDS
