"""Run SparkVision with faults and for a long time on a cluster of separate processes.

Usage: scripts/soak [--minutes N] [--only NAME]... [--large-model] [--small] [--record FILE]
       scripts/soak --write-page

Every scenario runs at least once, in turn. Each run prints one line of JSON; the command ends with 1 when a run lost,
doubled or changed a row, left something open, or failed. `docs/reliability.md` says what the scenarios do.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

from tests.cluster.support.cluster import Cluster  # noqa: E402
from tests.cluster.support.decoder_fuzz import decoder_fuzzed  # noqa: E402
from tests.cluster.support.executor_memory import memory_stays  # noqa: E402
from tests.cluster.support.figures import shortfalls, write_page  # noqa: E402
from tests.cluster.support.killed_tasks import task_overtaken, tasks_cancelled  # noqa: E402
from tests.cluster.support.large_model import large_model  # noqa: E402
from tests.cluster.support.local_disk import copies_damaged, disk_fails  # noqa: E402
from tests.cluster.support.lost_processes import driver_killed, executor_killed  # noqa: E402
from tests.cluster.support.workload import SMALL, Figures, Workload  # noqa: E402

FOLDER = ROOT / "build" / "soak"
RECORD = ROOT / "docs" / "reliability.jsonl"
PAGE = ROOT / "docs" / "reliability.md"

ON_THE_CLUSTER: dict[str, Callable[[Cluster, Workload], Figures]] = {
    "executor-killed": executor_killed,
    "driver-killed": driver_killed,
    "tasks-cancelled": tasks_cancelled,
    "task-overtaken": task_overtaken,
    "copies-damaged": copies_damaged,
    "memory": memory_stays,
    "large-model": large_model,
}
# These need a cluster made for them, or none.
ON_THEIR_OWN: dict[str, Callable[[Path, Workload], Figures]] = {
    "disk-fails": disk_fails,
    "decoder-fuzz": decoder_fuzzed,
}
EXPENSIVE = {"large-model"}


def main(arguments: Sequence[str]) -> int:
    """Run the command line; 1 when a run did not keep a promise."""
    options = _parser().parse_args(arguments)
    if options.write_page:
        write_page(RECORD, PAGE)
        return 0
    names = options.only or [name for name in (*ON_THE_CLUSTER, *ON_THEIR_OWN) if name not in EXPENSIVE]
    if options.large_model and "large-model" not in names:
        names = ["large-model"]
    workload = SMALL if options.small else Workload()
    sizes = {name: getattr(options, name) for name in ("memory_images", "fuzzed_files") if getattr(options, name)}
    workload = dataclasses.replace(workload, **sizes)
    # SIGTERM raises an exception, so that the cluster is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    deadline = time.monotonic() + 60 * options.minutes
    failed = False
    with _cluster(any(name in ON_THE_CLUSTER for name in names)) as cluster:
        for turn in count():
            of_this_turn = dataclasses.replace(workload, seed=options.seed + turn)
            for name in names:
                if turn == 0 or time.monotonic() < deadline:
                    failed |= not _run(name, cluster, of_this_turn, options.record)
            if time.monotonic() >= deadline:
                break
    return int(failed)


@contextmanager
def _cluster(wanted: bool) -> Iterator[Cluster | None]:
    if wanted:
        with Cluster.start(FOLDER / "cluster") as cluster:
            yield cluster
    else:
        yield None


def _run(name: str, cluster: Cluster | None, workload: Workload, record: Path | None) -> bool:
    """Run a scenario, print its figures, and return whether they are as promised."""
    began = time.monotonic()
    try:
        if name in ON_THE_CLUSTER:
            assert cluster is not None
            figures = ON_THE_CLUSTER[name](cluster, workload)
        else:
            figures = ON_THEIR_OWN[name](FOLDER / name, workload)
        missed = shortfalls(figures)
    except Exception as error:
        traceback.print_exc()
        figures, missed = {}, [f"{type(error).__name__}: {error}"]
    line = json.dumps({"scenario": name, "seconds": round(time.monotonic() - began, 1), "missed": missed, **figures})
    print(line, flush=True)
    if record is not None:
        with record.open("a") as file:
            file.write(line + "\n")
    return not missed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=0, help="go on this long; default: every scenario once")
    parser.add_argument("--only", action="append", metavar="NAME", choices=[*ON_THE_CLUSTER, *ON_THEIR_OWN])
    parser.add_argument("--large-model", action="store_true", help="only distribute a model of more than 2 GB")
    parser.add_argument("--small", action="store_true", help="small enough for the tests")
    parser.add_argument("--memory-images", type=int, metavar="COUNT", help="images through one executor")
    parser.add_argument("--fuzzed-files", type=int, metavar="COUNT", help="damaged files for the decoder")
    parser.add_argument("--seed", type=int, default=0, help="of the damage done to files; the next turn takes the next")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append each run's line of JSON to this file")
    parser.add_argument(
        "--write-page", action="store_true", help=f"write the figures of {RECORD.name} into {PAGE.name}"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
