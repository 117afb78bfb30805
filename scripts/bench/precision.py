"""Measure the throughput of one model in each precision, run by onnxruntime alone, in turn.

Usage: scripts/bench/precision [--model NAME]... [--rounds N] [--seconds N] [--record FILE]

Each round produces a row of JSON for each bundle, which is printed and appended to the file that
scripts/performance_page.py reads.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "python")]

from bench.rivals.machine import commit, machine  # noqa: E402
from bench.rivals.models import PRECISIONS, model  # noqa: E402

MODELS = ("vit-base", "vit-tiny")
FOLDER = ROOT / "build" / "bench"
BATCH_SIZE, THREADS = 8, 2


def rounds(bundles: dict[str, str], count: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Run each graph for some seconds, a different one first in each round; the first round does not count."""
    import numpy as np
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = THREADS
    sessions = {
        precision: onnxruntime.InferenceSession(f"{bundle}/model.onnx", settings, providers=["CPUExecutionProvider"])
        for precision, bundle in bundles.items()
    }
    pixel_values = next(iter(sessions.values())).get_inputs()[0]
    pixels = np.random.default_rng(0).normal(size=(BATCH_SIZE, *pixel_values.shape[1:])).astype(np.float32)
    for number in range(count + 1):
        names = list(sessions)
        for precision in names[number % len(names) :] + names[: number % len(names)]:
            began, batches = time.perf_counter(), 0
            while batches == 0 or time.perf_counter() - began < seconds:
                sessions[precision].run(None, {pixel_values.name: pixels})
                batches += 1
            speed = batches * BATCH_SIZE / (time.perf_counter() - began)
            yield {"round": number, "precision": precision, "counted": number > 0, "img_per_s": round(speed, 3)}


def main(arguments: Sequence[str]) -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="scripts/bench/precision", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", action="append", choices=MODELS, help="default: both")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s, and one that does not count")
    parser.add_argument("--seconds", type=float, default=2, help="for each bundle in a round (default: %(default)s)")
    parser.add_argument("--record", type=Path, default=FOLDER / "precision.jsonl", help="default: below build/")
    options = parser.parse_args(arguments)
    run = {"run": datetime.now(timezone.utc).isoformat(timespec="seconds"), "commit": commit(), "machine": machine()}
    for name in options.model or MODELS:
        bundles = {precision: str(model(name, precision).bundle) for precision in PRECISIONS}
        for measured in rounds(bundles, options.rounds, options.seconds):
            row = {"model": name, "kernels": "this processor", **measured}
            print(json.dumps(row), flush=True)
            with options.record.open("a") as record:
                record.write(json.dumps(run | row) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
