"""Measure SparkVision and its peers side by side, in turn, on the same images and the same models.

Usage: scripts/bench/peers [--list] [--only PEER]... [--workload NAME]... [--rounds N] [--count N] [--minutes N]
                           [--together N] [--resume RUN] [--record FILE]

Each peer is a process of its own. A few peers at a time, bare onnxruntime always among them, label the same images in
turn, round after round, so that other load on the machine affects all of them alike. Each round produces a row of JSON,
which is printed and appended to the file that scripts/performance_page.py reads. For a peer that cannot run on this
machine the row contains the reason.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "python")]

from bench.rivals.contestant import Setting, Work  # noqa: E402
from bench.rivals.images import image_folder  # noqa: E402
from bench.rivals.installation import InstallationError, install  # noqa: E402
from bench.rivals.machine import commit, machine  # noqa: E402
from bench.rivals.models import ExportError, model  # noqa: E402
from bench.rivals.peer_process import PeerFailed, PeerProcess  # noqa: E402
from bench.rivals.roster import PEERS, REFERENCE  # noqa: E402
from bench.rivals.usage import busy_seconds  # noqa: E402
from bench.rivals.workloads import WORKLOADS, Workload, sittings  # noqa: E402

SCRATCH = ROOT / "build" / "bench" / "scratch"
RECORD = ROOT / "build" / "bench" / "peers.jsonl"


class Recorder:
    """Prints rows and appends them to a file, each with the run that it belongs to."""

    def __init__(self, file: Path, resumed: str | None = None) -> None:
        self._file = file
        self._run = {"run": resumed or datetime.now(timezone.utc).isoformat(timespec="seconds"), "commit": commit()}
        self._machine = machine()
        # Rounds are compared within a group, so those of a resumed run must not get the numbers of earlier ones.
        self.first_group = max((row.get("group", -1) for row in _rows_of(file, resumed)), default=-1) + 1
        file.parent.mkdir(parents=True, exist_ok=True)

    def add(self, workload: Workload, peer: str, what: dict[str, Any], batch_size: int | None = None) -> None:
        """Add a row about a peer at a workload."""
        row = {
            **self._run,
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "workload": workload.name,
            "model": workload.model,
            "images": workload.images,
            "slots": workload.slots,
            "peer": peer,
            **({"batch_size": batch_size} if batch_size else {}),
            **what,
        }
        print(json.dumps(row), flush=True)
        with self._file.open("a") as file:
            file.write(json.dumps(row | {"machine": self._machine}) + "\n")


def _rows_of(file: Path, run: str | None) -> list[dict[str, Any]]:
    if run is None or not file.is_file():
        return []
    return [row for line in file.read_text().splitlines() if (row := json.loads(line))["run"] == run]


class Bench:
    """Runs workloads until the time is over.

    Models, images and the peers' own environments are made before that time begins.
    """

    def __init__(self, recorder: Recorder, together: int, seconds: float, workloads: Sequence[Workload]) -> None:
        self._recorder = recorder
        self._together = together
        self._left_out: set[tuple[str, str]] = set()
        for workload in workloads:
            image_folder(workload.images)
            for name in workload.peers:
                self._make(workload, name)
        self._deadline = time.monotonic() + seconds

    def sit(self, workloads: list[Workload]) -> None:
        """Run workloads whose processes can be shared, some peers at a time."""
        present = {peer for workload in workloads for peer in workload.peers}
        waiting = [peer for peer in PEERS if peer in present and peer != REFERENCE]
        for group in count(self._recorder.first_group):
            if self._is_over():
                print(f"The time is over: no {', '.join(w.name for w in workloads)} for {', '.join(waiting)}")
                return
            with ExitStack() as stack:
                processes = self._group(workloads[0], waiting, stack)
                for workload in workloads:
                    if workload.count and not self._is_over():
                        self._rounds(workload, {n: p for n, p in processes.items() if n in workload.peers}, group)
            if not waiting:
                return

    def _group(self, workload: Workload, waiting: list[str], stack: ExitStack) -> dict[str, PeerProcess]:
        """Start the reference and, from those that wait, as many as may run together."""
        processes: dict[str, PeerProcess] = {}
        names = [REFERENCE]
        while names:
            name = names.pop()
            if process := self._start(workload, name):
                processes[name] = stack.enter_context(process)
            if waiting and len(processes) <= self._together:
                names.append(waiting.pop(0))
        return processes

    def cold_starts(self, workload: Workload) -> None:
        """Start each peer in turn, again and again."""
        for number in range(workload.rounds):
            for name in workload.peers:
                if not self._is_over() and (process := self._start(workload, name, number)):
                    process.close()

    def _make(self, workload: Workload, name: str) -> None:
        if (workload.model, name) not in self._left_out:
            try:
                install(name)
                model(workload.model, PEERS[name].precision)
            except (ExportError, InstallationError) as reason:
                self._leave_out(workload, name, reason)

    def _leave_out(self, workload: Workload, name: str, reason: Exception) -> None:
        self._left_out.add((workload.model, name))
        self._recorder.add(workload, name, {"phase": "left out", "reason": str(reason)})

    def _start(self, workload: Workload, name: str, number: int = 0) -> PeerProcess | None:
        if (workload.model, name) in self._left_out:
            return None
        peer = PEERS[name]
        made = model(workload.model, peer.precision)
        folder = SCRATCH / name
        folder.mkdir(parents=True, exist_ok=True)
        first = sorted(image_folder(workload.images).iterdir())[0]
        setting = Setting(
            str(made.bundle), str(made.checkpoint), str(first), workload.slots, str(folder), dict(peer.options)
        )
        try:
            process = PeerProcess(peer, setting, ROOT / "build" / "bench" / "logs" / f"{name}.log")
        except PeerFailed as reason:
            self._leave_out(workload, name, reason)
            return None
        cold = {"phase": "cold", "round": number, "seconds": round(process.cold_seconds, 3), "label": process.label}
        self._recorder.add(workload, name, cold | {"peak_megabytes": process.usage().peak_megabytes})
        return process

    def _rounds(self, workload: Workload, processes: dict[str, PeerProcess], group: int) -> None:
        folder = image_folder(workload.images)
        for batch_size in workload.batch_sizes:
            ready = dict(self._prepared(workload, processes, Work(str(folder), workload.count, batch_size)))
            for number in range(workload.rounds + 1):
                # One round counts even when the time is over: without it the rows before it are worth nothing.
                if number > 1 and self._is_over():
                    break
                for name in _turned(list(ready), number):
                    row = {"phase": "warm" if number else "warm-up", "group": group, "round": number}
                    self._one_round(workload, name, ready, row, batch_size)

    def _prepared(
        self, workload: Workload, processes: dict[str, PeerProcess], work: Work
    ) -> Iterator[tuple[str, PeerProcess]]:
        for name, process in processes.items():
            if (workload.model, name) in self._left_out:
                continue
            try:
                process.prepare(work)
                yield name, process
            except PeerFailed as reason:
                self._leave_out(workload, name, reason)

    def _one_round(
        self, workload: Workload, name: str, ready: dict[str, PeerProcess], row: dict[str, Any], batch_size: int
    ) -> None:
        process = ready[name]
        busy, used = busy_seconds(), process.usage().cpu_seconds
        try:
            seconds = process.run()
        except PeerFailed as reason:
            del ready[name]
            self._leave_out(workload, name, reason)
            return
        usage = process.usage()
        others = busy_seconds() - busy - (usage.cpu_seconds - used)
        measured = {
            "count": workload.count,
            "seconds": round(seconds, 4),
            "img_per_s": round(workload.count / seconds, 3),
            "peak_megabytes": usage.peak_megabytes,
            "others_cores": round(max(others, 0) / seconds, 2),
        }
        self._recorder.add(workload, name, row | measured, batch_size)

    def _is_over(self) -> bool:
        return time.monotonic() > self._deadline


def _turned(names: list[str], by: int) -> list[str]:
    """Let another peer begin each round."""
    by %= max(len(names), 1)
    return names[by:] + names[:by]


def chosen(
    names: Sequence[str] | None, only: Sequence[str] | None, rounds: int | None, count: int | None
) -> tuple[Workload, ...]:
    """Return the workloads that a command line asks for; the reference is in each that has it."""
    workloads = [workload for workload in WORKLOADS if not names or workload.name in names]
    if only:
        kept = {REFERENCE, *only}
        workloads = [replace(w, peers=tuple(p for p in w.peers if p in kept)) for w in workloads]
        workloads = [w for w in workloads if set(w.peers) & set(only)]
    if rounds:
        workloads = [replace(w, rounds=rounds) for w in workloads]
    if count:
        workloads = [replace(w, count=min(w.count, count)) for w in workloads]
    return tuple(workloads)


def main(arguments: Sequence[str]) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    workloads = chosen(options.workload, options.only, options.rounds, options.count)
    if options.list:
        for workload in workloads:
            print(f"{workload.name}: {workload.model}, {workload.count} x {workload.images}, {workload.slots} slots")
            print(f"    {', '.join(workload.peers)}")
        return 0
    bench = Bench(Recorder(options.record, options.resume), options.together, options.minutes * 60, workloads)
    for sitting in sittings(workloads):
        if sitting[0].count:
            bench.sit(sitting)
        else:
            bench.cold_starts(sitting[0])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench/peers", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="say what would be measured")
    parser.add_argument("--only", action="append", metavar="PEER", choices=PEERS, help="and bare onnxruntime")
    names = [workload.name for workload in WORKLOADS]
    parser.add_argument("--workload", action="append", metavar="NAME", choices=names)
    parser.add_argument("--rounds", type=int, metavar="N", help="that count, in place of each workload's own")
    parser.add_argument("--count", type=int, metavar="N", help="at most so many images a round")
    parser.add_argument("--minutes", type=float, default=24 * 60, metavar="N", help="begin nothing new afterwards")
    parser.add_argument("--together", type=int, default=5, metavar="N", help="peers running beside bare onnxruntime")
    parser.add_argument("--resume", metavar="RUN", help="add to the rows of this run, which ended too early")
    parser.add_argument("--record", type=Path, default=RECORD, metavar="FILE", help="default: below build/")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
