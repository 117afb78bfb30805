"""Compare one Spark pipeline that detects, crops and embeds with a Python process beside Spark that does the same.

Usage: scripts/bench/unified [--workload NAME]... [--rounds N] [--count N] [--record FILE]

Both ways read the same table of images with the same Spark session, use the same bundles and as many cores, and end
with the same query over the vectors. They take turns, round after round; the first round does not count.
Each round produces a row of JSON for each way, which is printed and appended to the file that
scripts/performance_page.py reads.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "python")]

from pyspark.sql import SparkSession  # noqa: E402

import sparkvision  # noqa: E402
from bench.catalogue.connector_way import ConnectorWay  # noqa: E402
from bench.catalogue.job import Done, Job  # noqa: E402
from bench.catalogue.unified_way import UnifiedWay  # noqa: E402
from bench.rivals.images import image_folder  # noqa: E402
from bench.rivals.machine import commit, machine  # noqa: E402
from bench.rivals.models import model  # noqa: E402
from bench.rivals.spark_session import QUIET  # noqa: E402
from bench.rivals.usage import busy_seconds  # noqa: E402
from bench.summary import ratio_of_ways  # noqa: E402

SCRATCH = ROOT / "build" / "bench" / "unified"
RECORD = ROOT / "build" / "bench" / "unified.jsonl"
SLOTS = 2
BOXES = 3


@dataclass(frozen=True)
class Workload:
    """Images, one of `bench.rivals.images.KINDS`, and two models."""

    name: str
    images: str
    count: int
    detector: str
    embedder: str


WORKLOADS = (
    Workload("yolos-tiny-jpeg", "500x375 JPEG", 96, "yolos-tiny", "vit-tiny-features"),
    Workload("yolos-small-input-jpeg", "500x375 JPEG", 384, "yolos-tiny-224", "vit-tiny-features"),
    Workload("yolos-small-input-12-megapixel", "12-megapixel JPEG", 48, "yolos-tiny-224", "vit-tiny-features"),
)


class Way(Protocol):
    """One of the two."""

    def run(self) -> Done:
        """Do the job."""


def image_table(spark: SparkSession, kind: str, count: int) -> Path:
    """Write a table of ``path`` and ``content`` in as many equal files as slots."""
    files = islice(cycle(sorted(image_folder(kind).iterdir())), count)
    rows = [(f"{number}-{file.name}", bytearray(file.read_bytes())) for number, file in enumerate(files)]
    folder = SCRATCH / "table"
    frame = spark.createDataFrame(rows, "path string, content binary").repartition(SLOTS)
    frame.write.mode("overwrite").option("compression", "uncompressed").parquet(str(folder))
    return folder


def job_of(spark: SparkSession, workload: Workload, count: int) -> Job:
    """Make the images and the models of a workload."""
    return Job(
        images=str(image_table(spark, workload.images, count)),
        detector=str(model(workload.detector, "fp32").bundle),
        embedder=str(model(workload.embedder, "fp32").bundle),
        boxes=BOXES,
        slots=SLOTS,
        scratch=str(SCRATCH / "handed over"),
    )


def measure(spark: SparkSession, workload: Workload, count: int, rounds: int) -> list[dict[str, Any]]:
    """Return the rows of a workload: each round the two ways, another one first."""
    job = job_of(spark, workload, count)
    ways: dict[str, Way] = {"unified": UnifiedWay(spark, job), "connector": ConnectorWay(spark, job)}
    rows = []
    for number in range(rounds + 1):
        for name in sorted(ways, reverse=number % 2 == 0):
            busy = busy_seconds()
            done = ways[name].run()
            row = {"workload": workload.name, "way": name, "round": number, "phase": "warm" if number else "warm-up"}
            measured = {"images": workload.images, "count": count, "slots": SLOTS, **asdict(done)}
            rows.append({**row, **measured, "busy_seconds": round(busy_seconds() - busy, 2)})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def disagreement(rows: list[dict[str, Any]]) -> str | None:
    """Say by what the results of the two ways differ more than rounding explains; None where they agree."""
    for column in ("crops", "magnitude"):
        found = [row[column] for row in rows]
        # Rounding may swap boxes that have the same score.
        if not min(found) > 0.99 * max(found):
            return f"the two ways do not compute the same: their {column} lie from {min(found)} to {max(found)}"
    return None


def main(arguments: Sequence[str]) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    run = {"run": datetime.now(timezone.utc).isoformat(timespec="seconds"), "commit": commit(), "machine": machine()}
    spark = sparkvision.start(master=f"local[{SLOTS}]", config=QUIET)
    options.record.parent.mkdir(parents=True, exist_ok=True)
    for workload in WORKLOADS:
        if options.workload and workload.name not in options.workload:
            continue
        rows = measure(spark, workload, options.count or workload.count, options.rounds)
        if reason := disagreement(rows):
            sys.exit(f"{workload.name}: {reason}; nothing was recorded")
        with options.record.open("a") as file:
            file.writelines(json.dumps(run | row) + "\n" for row in rows)
        started = ratio_of_ways(rows, with_start=False)
        print(f"{workload.name}: one pipeline is {ratio_of_ways(rows):.2f} times as fast as two systems, ", end="")
        print(f"{started:.2f} times without the start of their process", flush=True)
    spark.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench/unified", description=(__doc__ or "").partition("\n")[0])
    names = [workload.name for workload in WORKLOADS]
    parser.add_argument("--workload", action="append", metavar="NAME", choices=names, help=", ".join(names))
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("--count", type=int, metavar="N", help="images a round, in place of the workload's own")
    parser.add_argument("--record", type=Path, default=RECORD, metavar="FILE", help="default: below build/")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
