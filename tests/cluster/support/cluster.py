"""A Spark standalone cluster on this machine: a master and workers, each a process with folders of its own.

The pyspark package is the Spark distribution. No folder is shared: each worker has its own work folder and local
directory.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[3]
SAVED = "cluster.json"
LOOPBACK = "127.0.0.1"
STARTED_WITHIN_SECONDS = 90

T = TypeVar("T")


class ClusterError(Exception):
    """A failure of the cluster; the message names the log."""


@dataclass
class Cluster:
    """A running cluster.

    Attributes
    ----------
    folder
        Everything the cluster writes; `worker-1`, `worker-2` and so on hold each worker's `work` and `local`.
    url
        For Spark's ``master``.
    host
        The address at which the driver listens for executors.
    processes
        Process ids of master and workers; each leads a group of its own.

    Examples
    --------
    >>> with Cluster.start(Path("build/cluster")) as cluster:
    ...     cluster.submit(["application.py"]).wait()
    0
    """

    folder: Path
    url: str = ""
    host: str = LOOPBACK
    processes: list[int] = field(default_factory=list)

    @staticmethod
    def start(
        folder: Path,
        workers: int = 2,
        cores: int = 1,
        memory: str = "1g",
        *,
        local_directories: Mapping[int, Sequence[Path]] | None = None,
    ) -> Cluster:
        """Start master and workers, and wait until they know each other.

        Parameters
        ----------
        folder
            Made anew.
        cores, memory
            Of each worker.
        local_directories
            Of workers, by their numbers from 1; the others have `local` in their folders.

        Raises
        ------
        ClusterError
            When a process ends, or does not answer in time.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        cluster = Cluster(folder)
        try:
            cluster._start_all(workers, cores, memory, local_directories or {})
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def submit(self, arguments: Sequence[str], log: Path | None = None) -> subprocess.Popen[bytes]:
        """Start an application with SparkVision's jars.

        Parameters
        ----------
        arguments
            As spark-submit takes them: options, the application (a Python file or a jar), its arguments.
        log
            Where its output goes; unset: where this process's goes.
        """
        with log.open("wb") if log else nullcontext() as output:
            return subprocess.Popen(
                self._submission(arguments),
                env=environment() | {"PYSPARK_PYTHON": sys.executable},
                stdout=output,
                stderr=subprocess.STDOUT if log else None,
            )

    def local_folder(self, worker: int) -> Path:
        """Return the folder below which the executors of a worker keep their files."""
        return self.folder / f"worker-{worker}" / "local"

    def stop(self) -> None:
        """End all processes, executors included; the folder stays for whoever wants to read its logs."""
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            for group in self.processes:
                try:
                    os.killpg(group, signal_number)
                except ProcessLookupError:
                    continue
            try:
                wait_until(lambda: not any(_group_runs(group) for group in self.processes), seconds=10)
                break
            except TimeoutError:
                continue

    def __enter__(self) -> Cluster:
        """Return this cluster, to be stopped at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def save(self) -> None:
        """Write down what `load` needs."""
        (self.folder / SAVED).write_text(json.dumps({**vars(self), "folder": str(self.folder)}))

    @staticmethod
    def load(folder: Path) -> Cluster:
        """Read a cluster that another process started.

        Raises
        ------
        ClusterError
            When there is none.
        """
        file = folder / SAVED
        if not file.is_file():
            raise ClusterError("No cluster runs: start one with `scripts/cluster start`.")
        saved = json.loads(file.read_text())
        return Cluster(**{**saved, "folder": Path(saved["folder"])})

    def _start_all(
        self, workers: int, cores: int, memory: str, local_directories: Mapping[int, Sequence[Path]]
    ) -> None:
        master = [spark("spark-class"), "org.apache.spark.deploy.master.Master", "--host", self.host]
        self._launch("master", [*master, "--port", "0", "--webui-port", "0"], environment())
        self.url = self._wait_for_line("master", r"Starting Spark master at (spark://\S+)")
        for number in range(1, workers + 1):
            name = f"worker-{number}"
            folders = local_directories.get(number, [self.local_folder(number)])
            for directory in folders:
                directory.mkdir(parents=True, exist_ok=True)
            # Linux answers on all of 127.0.0.0/8. Spark takes each address for a host of its own, and runs no second
            # attempt of a task on the host of the first attempt.
            address = f"127.0.0.{number + 1}"
            options = ["--host", address, "--cores", str(cores), "--memory", memory, "--webui-port", "0"]
            worker = [spark("spark-class"), "org.apache.spark.deploy.worker.Worker", *options]
            worker += ["--work-dir", str(self.folder / name / "work"), self.url]
            own = {"SPARK_LOCAL_DIRS": ",".join(map(str, folders)), "SPARK_LOCAL_IP": address}
            self._launch(name, worker, environment() | own)
        for number in range(1, workers + 1):
            self._wait_for_line(f"worker-{number}", r"(Successfully registered with master)")

    def _launch(self, name: str, command: list[str], env: Mapping[str, str]) -> None:
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                command, env=env, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.processes.append(process.pid)

    def _wait_for_line(self, name: str, pattern: str) -> str:
        log = self.folder / f"{name}.log"

        def found() -> re.Match[str] | None:
            return re.search(pattern, log.read_text(errors="replace"))

        try:
            return wait_until(found, STARTED_WITHIN_SECONDS).group(1)
        except TimeoutError:
            tail = log.read_text(errors="replace")[-2000:]
            raise ClusterError(f"The {name} did not start; its log {log} ends with:\n{tail}") from None

    def _submission(self, arguments: Sequence[str]) -> list[str]:
        from sparkvision._spark.jars import jars

        settings = {
            "spark.driver.host": self.host,
            "spark.driver.bindAddress": self.host,
            "spark.local.dir": str(self.folder / "driver"),
        }
        options = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
        every_jar = ",".join(map(str, jars()))
        return [spark("spark-submit"), "--master", self.url, *options, "--jars", every_jar, *arguments]


def spark(program: str) -> str:
    """Return the path of one of the pyspark package's own programs."""
    return str(Path(environment()["SPARK_HOME"]) / "bin" / program)


def environment() -> dict[str, str]:
    """Return this process's environment with the pyspark package as the Spark distribution, and our Python sources."""
    import pyspark

    return {
        **os.environ,
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_DAEMON_MEMORY": "256m",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "python"), str(ROOT)]),
    }


def wait_until(condition: Callable[[], T | None], seconds: float) -> T:
    """Wait until a condition is true, and return its value.

    Raises
    ------
    TimeoutError
        When the condition does not become true in time.
    """
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s without success")
        time.sleep(0.1)
    return result


def _group_runs(group: int) -> bool:
    """Return whether a process of this group is alive; the dead that nobody has waited for do not count."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, process_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state != "Z":
            return True
    return False
