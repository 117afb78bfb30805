"""The oneDNN execution provider against the default CPU provider, from JPEG bytes to labels in Spark.

Each contestant is a process with a session of its own, because a process has one ONNX Runtime, and oneDNN one
arithmetic. They all live at the same time and are measured in turn, after one round each that is not counted. Prints
the raw rows as JSON lines, then medians and the ratio to the CPU provider.

Usage: scripts/bench/onednn [--size vit-base|vit-tiny] [--pictures 64] [--rounds 3] [--batch-size 8] [--cores 2]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from bench.rivals.models import model  # noqa: E402
from bench.throughput import jpegs  # noqa: E402

CONTESTANTS: Mapping[str, Mapping[str, Any]] = {
    "cpu": {"onednn": False, "provider": "cpu", "fpmath": "strict"},
    "onednn strict": {"onednn": True, "provider": "onednn", "fpmath": "strict"},
    "onednn bf16": {"onednn": True, "provider": "onednn", "fpmath": "bf16"},
}


def contest(name: str, options: argparse.Namespace) -> None:
    """Run a round, and print its seconds, for each line on stdin."""
    import sparkvision
    from sparkvision.ml import ViTForImageClassification

    how = CONTESTANTS[name]
    spark = sparkvision.start(
        master=f"local[{options.cores}]",
        onednn=how["onednn"],
        config={"spark.ui.enabled": "false", "spark.log.level": "ERROR", "spark.driver.memory": "1g"},
    )
    pictures = spark.createDataFrame([(bytearray(b),) for b in jpegs(options.pictures)], "content binary")
    pictures = pictures.repartition(options.cores).cache()
    pictures.count()
    vit = (
        ViTForImageClassification.loadSavedModel(str(model(options.size, "fp32").bundle), spark)
        .setInputCols(["content"])
        .setOutputCol("class")
        .setBatchSize(options.batch_size)
        .setExecutionProvider(how["provider"])
        .setOnednnFpMath(how["fpmath"])
    )
    for _ in sys.stdin:
        began = time.perf_counter()
        vit.transform(pictures).select("class.result").write.format("noop").mode("overwrite").save()
        print(f"seconds {time.perf_counter() - began}", flush=True)


def seconds_of_a_round(contestant: subprocess.Popen[str]) -> float:
    """Let a contestant run once."""
    assert contestant.stdin is not None and contestant.stdout is not None
    contestant.stdin.write("\n")
    contestant.stdin.flush()
    for line in contestant.stdout:
        if line.startswith("seconds "):
            return float(line.split()[1])
    raise SystemExit(f"{contestant.args!r} ended with {contestant.wait()}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", choices=["vit-base", "vit-tiny"], default="vit-base")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--contestant", choices=list(CONTESTANTS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        contest(options.contestant, options)
        return 0

    model(options.size, "fp32")  # exported once, before several processes want it
    command = [sys.executable, str(Path(__file__)), *sys.argv[1:], "--contestant"]
    running = {
        name: subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in CONTESTANTS
    }
    speeds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    try:
        for round_number in range(options.rounds + 1):
            for name, contestant in running.items():
                speed = options.pictures / seconds_of_a_round(contestant)
                row = {"round": round_number, "counted": round_number > 0, "what": name, "img_per_s": round(speed, 3)}
                print(json.dumps(row), flush=True)
                if round_number > 0:
                    speeds[name].append(speed)
    finally:
        for contestant in running.values():
            assert contestant.stdin is not None
            contestant.stdin.close()  # the sign to end
            contestant.wait()

    medians = {name: statistics.median(values) for name, values in speeds.items()}
    print(
        f"{options.size}, {options.pictures} JPEGs of 500 x 375, batchSize {options.batch_size}, local[{options.cores}]"
    )
    for name, median in medians.items():
        print(f"{name:<14} median {median:7.2f} img/s, {median / medians['cpu']:.3f} of the CPU provider")
    return 0


if __name__ == "__main__":
    sys.exit(main())
