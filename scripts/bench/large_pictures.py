"""Measure what a 12-megapixel photo costs: decoding, resizing and running alone, and the Pipeline that does them all.

Usage: scripts/bench/large_pictures [--rounds N] [--count N] [--record FILE]

In milliseconds of processor time a picture, which other programs disturb less than the clock: of the parts on one
thread of a JVM of their own, of the Pipeline and of a pandas UDF with all their processes. They take turns, round after
round; the first rounds, in which JVMs still compile, are not counted. A round of few pictures shows what a Spark job
costs beside them. Prints rows of JSON and appends them to the file; scripts/performance_page.py shows them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

import pyspark

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "python")]

from bench.rivals.contestant import Setting, Work  # noqa: E402
from bench.rivals.machine import commit, machine  # noqa: E402
from bench.rivals.models import model  # noqa: E402
from bench.rivals.peer_process import PeerProcess  # noqa: E402
from bench.rivals.pictures import picture_folder  # noqa: E402
from bench.rivals.roster import PEERS  # noqa: E402
from sparkvision._spark.jars import jars  # noqa: E402

RECORD = ROOT / "build" / "bench" / "large_pictures.jsonl"
SCRATCH = ROOT / "build" / "bench" / "scratch"
PARTS = ("decode", "resize", "run")
# Who does the whole, and how it decodes.
WHOLE = {"sparkvision": "exact", "sparkvision-fast": "fast", "pandas-udf": "exact"}
SLOTS, BATCH_SIZE = 2, 8
WARM_UP = 2

Measure = Callable[[], float]


def parts(bundle: Path, folder: Path, count: int, stack: ExitStack) -> dict[tuple[str, str], Measure]:
    """Start a JVM, and give what measures each part and mode in it."""
    libraries = Path(pyspark.__file__).parent / "jars"
    names = ("scala-library-*", "jackson-core-2*", "jackson-databind-*", "jackson-annotations-*", "slf4j-api-*")
    found = [jar for name in names for jar in libraries.glob(f"{name}.jar")]
    classpath = os.pathsep.join(map(str, [*jars(), *found]))
    program = Path(__file__).with_name("LargePictureRounds.java")
    jvm = stack.enter_context(
        subprocess.Popen(
            ["java", "-cp", classpath, str(program), str(bundle), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    assert jvm.stdin is not None and jvm.stdout is not None
    stack.callback(jvm.stdin.close)

    def measure(part: str, mode: str) -> float:
        assert jvm.stdin is not None and jvm.stdout is not None
        print(part, mode, count, file=jvm.stdin, flush=True)
        return int(jvm.stdout.readline()) / 1e6

    return {(part, mode): lambda p=part, m=mode: measure(p, m) for part in PARTS for mode in ("exact", "fast")}  # type: ignore[misc]


def whole(peer: str, bundle: Path, folder: Path, count: int, stack: ExitStack) -> Measure:
    """Start a peer, and give what measures it."""
    first = sorted(folder.iterdir())[0]
    scratch = SCRATCH / peer
    scratch.mkdir(parents=True, exist_ok=True)
    setting = Setting(str(bundle), "", str(first), SLOTS, str(scratch), dict(PEERS[peer].options))
    process = stack.enter_context(PeerProcess(PEERS[peer], setting, scratch / "log"))
    process.prepare(Work(str(folder), count, BATCH_SIZE))

    def measure() -> float:
        before = process.usage().cpu_seconds
        process.run()
        return (process.usage().cpu_seconds - before) / count * 1e3

    return measure


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="that count (default: 3)")
    parser.add_argument("--count", type=int, default=72, help="pictures a round (default: 72)")
    parser.add_argument("--record", type=Path, default=RECORD, metavar="FILE")
    options = parser.parse_args()

    run = {"run": datetime.now(timezone.utc).isoformat(timespec="seconds"), "commit": commit()}
    about = machine()
    bundle, folder = model("vit-tiny", "fp32").bundle, picture_folder("12-megapixel JPEG")
    options.record.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        measures = parts(bundle, folder, options.count, stack)
        measures |= {(peer, mode): whole(peer, bundle, folder, options.count, stack) for peer, mode in WHOLE.items()}
        for number in range(1 - WARM_UP, options.rounds + 1):
            for (what, mode), measure in measures.items():
                row = {**run, "round": number, "what": what, "mode": mode, "core_ms": round(measure(), 2)}
                print(json.dumps(row), flush=True)
                if number > 0:
                    with options.record.open("a") as file:
                        file.write(json.dumps(row | {"machine": about}) + "\n")


if __name__ == "__main__":
    main()
