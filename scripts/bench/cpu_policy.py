"""Ways to run one model on all cores, side by side: what the engine's CPU policy is chosen by.

A policy is C callers on one shared session, each run with T threads and R pictures: written CxT/R, for example 2x1/4.
Behind it may stand session settings: 2x2/8,session.intra_op.allow_spinning=0 (or arena=0, memory_pattern=0, any of ONNX
Runtime's configuration keys). Inputs are ready, so this is ONNX Runtime and nothing else. Every measurement opens a
session of its own and has one run for each caller that is not counted; policies take turns. Prints raw rows as JSON
lines, then medians of the time on the clock and of the time that all cores together spent, which other programs disturb
less.

Usage: scripts/bench/cpu_policy [--size vit-base|vit-small|vit-tiny] [--pictures 32] [--rounds 5] [POLICY ...]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pyspark

from sparkvision._spark.jars import jars

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.rivals.models import model  # noqa: E402

# The batch of 8 as one run on all cores (what a runtime on its own does), and as smaller runs on a core each.
DEFAULT = ["1x2/8", "1x2/1", "2x1/8", "2x1/4", "2x1/2", "2x1/1", "2x2/8", "2x2/1"]


def start_jvm() -> subprocess.Popen[str]:
    """Start CpuPolicyRounds with the wheel's ONNX Runtime."""
    scala = (Path(pyspark.__file__).parent / "jars").glob("scala-library-*.jar")
    classpath = os.pathsep.join(str(jar) for jar in [*jars(), *scala])
    program = Path(__file__).with_name("CpuPolicyRounds.java")
    return subprocess.Popen(
        ["java", "-cp", classpath, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def request(model: Path, policy: str, pictures: int) -> str:
    """Write a policy as a line for CpuPolicyRounds."""
    match = re.fullmatch(r"(\d+)x(\d+)/(\d+)((?:,[^,=]+=[^,=]+)*)", policy)
    if match is None:
        raise SystemExit(f"{policy} is no policy: write CALLERSxTHREADS/PICTURES[,KEY=VALUE...], for example 2x1/4")
    callers, threads, at_once, settings = match.groups()
    return " ".join([str(model), callers, threads, at_once, str(pictures), *settings.split(",")[1:]])


def medians(rows: list[dict[str, Any]], policy: str) -> tuple[float, float]:
    """Give a policy's time on the clock and on all cores together."""
    mine = [row for row in rows if row["policy"] == policy]
    return median(row["ms_a_picture"] for row in mine), median(row["core_ms"] for row in mine)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", choices=["vit-base", "vit-small", "vit-tiny"], default="vit-base")
    parser.add_argument("--pictures", type=int, default=32, help="a measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("policies", nargs="*", metavar="POLICY", default=DEFAULT)
    options = parser.parse_args()

    graph = model(options.size, "fp32").bundle / "model.onnx"
    requests = {policy: request(graph, policy, options.pictures) for policy in options.policies}
    rows: list[dict[str, Any]] = []
    with start_jvm() as jvm:
        assert jvm.stdin is not None and jvm.stdout is not None
        for number in range(options.rounds):
            for policy, line in requests.items():
                print(line, file=jvm.stdin, flush=True)
                clock, cores = (int(nanos) / options.pictures / 1e6 for nanos in jvm.stdout.readline().split())
                row = {"round": number, "policy": policy, "ms_a_picture": round(clock, 3), "core_ms": round(cores, 3)}
                rows.append(row)
                print(json.dumps(row), flush=True)
        jvm.stdin.close()
    print("medians, and beside them the first policy's divided by them: above 1 is faster than the first")
    first = medians(rows, options.policies[0])
    for policy in options.policies:
        clock, cores = medians(rows, policy)
        print(f"{policy:12} {clock:8.2f} ms a picture ({first[0] / clock:.3f})", end="")
        print(f" {cores:9.2f} ms of a core ({first[1] / cores:.3f})")


if __name__ == "__main__":
    main()
