"""Processes that are killed in the middle of a job: an executor, and the driver."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pyarrow.parquet
from tests.cluster.support.application import (
    Answer,
    BackgroundJob,
    answers,
    application,
    classifier,
    compare,
    executors,
    images,
    total,
    undisturbed,
)
from tests.cluster.support.cluster import Cluster, wait_until
from tests.cluster.support.workload import Figures, Workload

LABEL_IMAGES = Path(__file__).with_name("label_images.py")


def executor_killed(cluster: Cluster, workload: Workload) -> Figures:
    """Kill an executor with SIGKILL while it works; Spark starts another one, which must fetch the model anew."""
    with application(cluster) as spark:
        stage = classifier(spark)
        expected = undisturbed(spark, stage)
        frame = images(spark, workload.rows, workload.partitions)
        found: list[dict[str, int]] = []
        for _ in range(workload.cycles):
            victim = executors(spark)[0]
            job = BackgroundJob(spark, workload.partitions, lambda: answers(stage, frame))
            job.wait_for_tasks(finished=2)
            os.kill(victim.process, signal.SIGKILL)
            found.append(compare(job.result.result(timeout=300), workload.rows, expected))
            survivors = [executor.process for executor in executors(spark)]
            assert victim.process not in survivors
        return {"executors_killed": workload.cycles, **total(found)}


def driver_killed(cluster: Cluster, workload: Workload) -> Figures:
    """Kill the driver with SIGKILL while its executors write; start the application again."""
    output = cluster.folder / "labelled"
    shutil.rmtree(output, ignore_errors=True)
    log = cluster.folder / "driver-killed.log"
    command = [str(LABEL_IMAGES), str(output), str(workload.rows), str(workload.partitions)]
    first = cluster.submit(command, log)
    try:
        # What tasks have finished lies below _temporary until the driver commits the job.
        wait_until(lambda: len(list(output.rglob("part-*.parquet"))) >= 2, 120)
        executor_processes = _executors_of(cluster)
    finally:
        first.kill()
        first.wait()
    assert not (output / "_SUCCESS").exists(), "the application ended before it was disturbed"
    wait_until(lambda: not set(executor_processes) & set(_executors_of(cluster)), 60)
    copies_left = sum(1 for worker in (1, 2) for _ in cluster.local_folder(worker).glob("**/sparkvision-model-*"))
    second = cluster.submit(command, log)
    if second.wait(timeout=300) != 0:
        raise RuntimeError(f"the restarted driver failed: {log.read_text()[-2000:]}")
    rows = pyarrow.parquet.read_table(output).to_pylist()
    given = [Answer(**row) for row in rows]
    with application(cluster) as spark:
        expected = undisturbed(spark, classifier(spark))
    return {"drivers_killed": 1, "copies_left": copies_left, **compare(given, workload.rows, expected)}


def _executors_of(cluster: Cluster) -> list[int]:
    """List the processes of executors that work in this cluster's folders."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            working_in = os.readlink(folder / "cwd")
        except OSError:
            continue
        # The workers themselves and the master work in the cluster's own folder.
        if cluster.folder in Path(working_in).parents:
            found.append(int(folder.name))
    return found
