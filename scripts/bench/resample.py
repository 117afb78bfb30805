"""Compare the engine's resize with Pillow's: one core each, in turns, in one run.

Prints one row for each round, then the ratio of the medians (above 1: the engine is faster). Times are those of the
processor, so that other programs disturb little; the first rounds warm the JVM up and are not counted.

Usage: scripts/bench/resample [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from pathlib import Path
from statistics import median

import pyspark
from PIL import Image

from sparkvision._spark.jars import jars

FILTERS = {"BILINEAR": Image.Resampling.BILINEAR, "BICUBIC": Image.Resampling.BICUBIC}
# Width and height before and after, and how often in a row.
CASES = [((500, 375), (224, 224), 150), ((4000, 3000), (224, 224), 3), ((4000, 3000), (341, 256), 3)]
WARM_UP = 4


def start_jvm() -> subprocess.Popen[str]:
    """Start ResampleRounds with our jars and Scala's library."""
    scala = (Path(pyspark.__file__).parent / "jars").glob("scala-library-*.jar")
    classpath = os.pathsep.join(str(jar) for jar in [*jars(), *scala])
    program = Path(__file__).with_name("ResampleRounds.java")
    return subprocess.Popen(
        ["java", "-cp", classpath, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def engine_ms(jvm: subprocess.Popen[str], numbers: list[int]) -> float:
    """Time the engine: milliseconds an image."""
    assert jvm.stdin is not None and jvm.stdout is not None
    print(*numbers, file=jvm.stdin, flush=True)
    return int(jvm.stdout.readline()) / 1e6


def pillow_ms(image: Image.Image, size: tuple[int, int], resample: Image.Resampling, times: int) -> float:
    """Time Pillow: milliseconds an image."""
    start = time.process_time()
    for _ in range(times):
        image.resize(size, resample)
    return (time.process_time() - start) / times * 1e3


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count (default: 7)")
    rounds = parser.parse_args().rounds
    jvm = start_jvm()
    for name, resample in FILTERS.items():
        for before, after, times in CASES:
            image = Image.frombytes("RGB", before, os.urandom(before[0] * before[1] * 3))
            label = f"{name:8} {before[0]}x{before[1]} -> {after[0]}x{after[1]}"
            rows = []
            for number in range(-WARM_UP, rounds):
                ours = engine_ms(jvm, [*before, *after, int(resample), times])
                theirs = pillow_ms(image, after, resample, times)
                if number >= 0:
                    rows.append((ours, theirs))
                    print(f"{label}  round {number + 1}: engine {ours:7.2f} ms  Pillow {theirs:7.2f} ms")
            ours, theirs = (median(column) for column in zip(*rows, strict=True))
            print(f"{label}  median: engine {ours:7.2f} ms  Pillow {theirs:7.2f} ms  ratio {theirs / ours:.2f}")
    assert jvm.stdin is not None
    jvm.stdin.close()
    jvm.wait()


if __name__ == "__main__":
    main()
