"""The process of a peer, as the benchmark controls it."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import asdict
from multiprocessing import Pipe
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.rivals.contestant import Setting, Work
from bench.rivals.roster import Peer
from bench.rivals.usage import Usage, tree_usage

ROOT = Path(__file__).resolve().parents[3]
STARTED_WITHIN_SECONDS = 400
ROUND_WITHIN_SECONDS = 400


class PeerFailed(Exception):
    """A peer cannot be started, or did not finish; the message says why."""


class PeerProcess:
    """A peer that has labelled its first image and waits for requests.

    Attributes
    ----------
    cold_seconds
        From the start of the process to the first label.
    label
        Of the first image.

    Raises
    ------
    PeerFailed
        When the peer cannot run here; its log has the details.
    """

    def __init__(self, peer: Peer, setting: Setting, log: Path) -> None:
        self.peer = peer
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._connection, theirs = Pipe()
        cores = sorted(os.sched_getaffinity(0))[: setting.slots]
        began = time.perf_counter()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [str(peer.python), "-m", peer.module, str(theirs.fileno()), setting.to_json()],
                env=self._environment(peer),
                pass_fds=[theirs.fileno()],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=setting.scratch,
                # All peers have the same number of cores, however many threads they start.
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
            )
        theirs.close()
        try:
            self.label = str(self._answer("ready", STARTED_WITHIN_SECONDS))
        except BaseException:
            self.close()
            raise
        self.cold_seconds = time.perf_counter() - began

    def prepare(self, work: Work) -> None:
        """Let the peer read its images and do everything else that is not timed."""
        self._ask({"prepare": asdict(work)})
        self._answer("prepared", ROUND_WITHIN_SECONDS)

    def run(self) -> float:
        """Label the images once, and return the seconds."""
        self._ask({"run": True})
        return float(self._answer("seconds", ROUND_WITHIN_SECONDS))

    def usage(self) -> Usage:
        """Read what the process and its descendants have used."""
        return tree_usage(self._process.pid)

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> PeerProcess:
        """Return this process, to be ended at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.close()

    def _ask(self, request: dict[str, Any]) -> None:
        try:
            self._connection.send(request)
        except OSError:
            raise PeerFailed(f"the process ended; see {self._log}") from None

    def _answer(self, what: str, seconds: float) -> Any:
        try:
            if not self._connection.poll(seconds):
                raise PeerFailed(f"no answer within {seconds} s; see {self._log}")
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise PeerFailed(f"the process ended; see {self._log}") from None
        if "error" in answer:
            raise PeerFailed(answer["error"])
        return answer[what]

    @staticmethod
    def _environment(peer: Peer) -> dict[str, str]:
        paths = [ROOT / "scripts", ROOT / "python", *peer.paths]
        python = str(peer.python)
        return {
            # Each peer uses the Spark of its own Python; SPARK_HOME of this process may name another Spark.
            **{name: value for name, value in os.environ.items() if name not in ("SPARK_HOME",)},
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PYSPARK_PYTHON": python,
            "PYSPARK_DRIVER_PYTHON": python,
            "TOKENIZERS_PARALLELISM": "false",
        }
