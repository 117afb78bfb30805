"""Send a model to executors that share no folder, and measure what that costs them, and the driver.

Usage: scripts/bench/scale [--executors N]... [--model NAME] [--same-host] [--record FILE]

Each executor has one core, a heap of 1 GB and a network namespace of its own (root, iproute2; not with --same-host).
All of them share this machine's cores, so their times are in processor seconds too. The driver's bytes are what it
put on the bridge between the namespaces. Each size of cluster gives a row of JSON, printed and appended to the file.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "python")]

from pyspark.sql import SparkSession  # noqa: E402

import sparkvision  # noqa: E402
from bench.rivals.machine import commit, machine  # noqa: E402
from bench.rivals.models import EMBEDDED_DIGITS, model  # noqa: E402
from bench.rivals.pictures import picture_folder  # noqa: E402
from reliability.cluster import Cluster, environment, wait_until  # noqa: E402
from reliability.namespaces import BRIDGE  # noqa: E402
from sparkvision.bundle import Bundle  # noqa: E402
from sparkvision.ml import ViTForImageClassification  # noqa: E402

CLUSTER = ROOT / "build" / "bench" / "cluster"
RECORD = ROOT / "build" / "bench" / "scale.jsonl"
EXECUTORS = (1, 2, 4, 8)


class Process:
    """A process's use of the machine (Linux)."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def cpu_seconds(self) -> float:
        """Give the processor time that it has used."""
        user, system = (self._folder / "stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def group(self) -> int:
        """Give its process group."""
        return int((self._folder / "stat").read_text().rpartition(")")[2].split()[2])

    def forget_peak(self) -> None:
        """Let `peak_megabytes` begin anew."""
        (self._folder / "clear_refs").write_text("5")

    def peak_megabytes(self) -> int:
        """Give the high-water mark of its resident memory."""
        return self._megabytes("VmHWM")

    def resident_megabytes(self) -> int:
        """Give its resident memory."""
        return self._megabytes("VmRSS")

    def _megabytes(self, name: str) -> int:
        lines = (self._folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) // 1024


def workers_cpu_seconds(cluster: Cluster) -> float:
    """Add up the processor time of the workers' process groups, executors included; the master is the first."""
    groups = set(cluster.processes[1:])
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            process = Process(int(folder.name))
            total += process.cpu_seconds() if process.group() in groups else 0.0
        except OSError:
            continue
    return total


def driver_sent_bytes(separate_hosts: bool) -> int | None:
    """Give the bytes that this machine, where the driver runs, has sent to the namespaces."""
    if not separate_hosts:
        return None
    return int(Path(f"/sys/class/net/{BRIDGE}/statistics/tx_bytes").read_text())


def session(cluster: Cluster) -> SparkSession:
    """Start an application on the cluster, its driver in this process."""
    os.environ["SPARK_HOME"] = environment()["SPARK_HOME"]
    settings = {
        "spark.driver.host": cluster.host,
        "spark.driver.bindAddress": cluster.host,
        "spark.driver.memory": "2g",
        "spark.local.dir": str(cluster.folder / "driver"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        # A task waits for a core of its own rather than take another's second turn.
        "spark.locality.wait": "0s",
    }
    return sparkvision.start(master=cluster.url, config=settings)


def label_one_each(spark: SparkSession, stage: ViTForImageClassification, executors: int) -> float:
    """Label one picture on each executor, and give the seconds."""
    picture = sorted(picture_folder("500x375 JPEG").iterdir())[0].read_bytes()
    # A row a task, which a shuffle of so few rows would not give.
    rows = spark.sparkContext.parallelize([(bytearray(picture),)] * executors, executors)
    frame = spark.createDataFrame(rows, "content binary")
    began = time.perf_counter()
    labelled = stage.transform(frame).select("class.result").collect()
    assert len(labelled) == executors and all(row[0] for row in labelled)
    return time.perf_counter() - began


def stage_of(spark: SparkSession, bundle: Path) -> ViTForImageClassification:
    """Load a bundle on the driver."""
    stage = ViTForImageClassification.loadSavedModel(str(bundle), spark)
    return stage.setInputCols(["content"]).setOutputCol("class").setErrorCol("error")


def measure(cluster: Cluster, bundle: Path, executors: int, separate_hosts: bool) -> dict[str, Any]:
    """Send the bundle to all executors of a fresh application, label a picture on each, then another."""
    spark = session(cluster)
    try:
        jvm, context = spark._jvm, spark.sparkContext._jsc
        assert jvm is not None and context is not None
        wait_until(lambda: context.sc().getExecutorMemoryStatus().size() == executors + 1, 60)
        # Another model first: loading classes and natives is a matter of the application, not of the model.
        label_one_each(spark, stage_of(spark, EMBEDDED_DIGITS), executors)
        driver = Process(int(jvm.java.lang.ProcessHandle.current().pid()))
        driver.forget_peak()
        resident, cpu = driver.resident_megabytes(), driver.cpu_seconds()
        executors_cpu, sent = workers_cpu_seconds(cluster), driver_sent_bytes(separate_hosts)
        began = time.perf_counter()
        stage = stage_of(spark, bundle)
        loaded = time.perf_counter() - began
        first = label_one_each(spark, stage, executors)
        figures = {
            "seconds_to_load": round(loaded, 3),
            "seconds_to_first_labels": round(first, 3),
            "driver_cpu_seconds": round(driver.cpu_seconds() - cpu, 3),
            "driver_megabytes_more_at_peak": driver.peak_megabytes() - resident,
            "executors_cpu_seconds": round(workers_cpu_seconds(cluster) - executors_cpu, 3),
        }
        if sent is not None:
            figures["driver_sent_bytes"] = (driver_sent_bytes(separate_hosts) or 0) - sent
        opened = {row.stage: row.sessions_opened for row in sparkvision.metrics(spark).collect()}
        figures["sessions_opened"] = opened[stage.uid]
        return figures | {"seconds_of_next_labels": round(label_one_each(spark, stage, executors), 3)}
    finally:
        spark.stop()


def main(arguments: Sequence[str]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench/scale", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--executors", type=int, action="append", metavar="N", help="default: 1, 2, 4 and 8")
    parser.add_argument("--model", default="vit-base", metavar="NAME", help="default: %(default)s, 350 MB")
    parser.add_argument("--same-host", action="store_true", help="no network namespaces, and no bytes")
    parser.add_argument("--record", type=Path, default=RECORD, metavar="FILE", help="default: below build/")
    options = parser.parse_args(arguments)
    # As an exception, so that a measurement that is ended leaves no cluster behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    bundle = model(options.model, "fp32").bundle
    run = {"run": datetime.now(timezone.utc).isoformat(timespec="seconds"), "commit": commit()}
    of_all = {**run, "model": options.model, "model_bytes": Bundle.read(bundle).size(), "machine": machine()}
    options.record.parent.mkdir(parents=True, exist_ok=True)
    for executors in options.executors or EXECUTORS:
        with Cluster.start(CLUSTER, workers=executors, separate_hosts=not options.same_host) as cluster:
            figures = measure(cluster, bundle, executors, not options.same_host)
        row = {"executors": executors, **figures}
        print(json.dumps(row), flush=True)
        with options.record.open("a") as file:
            file.write(json.dumps(of_all | {"time": datetime.now(timezone.utc).isoformat(timespec="seconds")} | row))
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
