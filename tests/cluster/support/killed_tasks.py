"""Tasks that end before their time: cancelled by the user, and overtaken by their speculative copies."""

from __future__ import annotations

import os
import signal
import time
from statistics import mean

from tests.cluster.support.application import (
    WHOLE_HEAP,
    BackgroundJob,
    answers,
    application,
    classifier,
    compare,
    executors,
    images,
    task_counts,
    undisturbed,
    wait_for_closed_sessions,
)
from tests.cluster.support.cluster import Cluster
from tests.cluster.support.model_variants import digits_variant
from tests.cluster.support.workload import Figures, Workload

# Far above what an executor's memory wavers by: a session that is not given back shows.
MODEL_MEGABYTES = 256
STRAGGLING_SECONDS = 8


def tasks_cancelled(cluster: Cluster, workload: Workload) -> Figures:
    """Cancel a job group while sessions are open; the executors' memory must come back."""
    bundle = digits_variant(cluster.folder / "large", padding_megabytes=MODEL_MEGABYTES)
    with application(cluster, WHOLE_HEAP) as spark:
        stage = classifier(spark, bundle)
        undisturbed(spark, stage)
        # Warm: each executor has its copy of the model, and has opened and closed a session.
        executors_before = wait_for_closed_sessions(spark)
        before = mean(executor.resident_megabytes() for executor in executors_before)
        frame = images(spark, workload.rows, workload.partitions)
        at_work = 0.0
        for _ in range(workload.cycles):
            job = BackgroundJob(spark, workload.partitions, lambda: answers(stage, frame))
            job.wait_for_tasks(finished=2)
            # The largest: one executor may have taken both tasks, and the other opened no session yet.
            at_work = max(executor.resident_megabytes() for executor in executors_before)
            spark.sparkContext.cancelJobGroup(job.group)
            error = job.result.exception(timeout=60)
            assert error is not None and "cancel" in str(error).lower(), error
        after = wait_for_closed_sessions(spark)
        return {
            "jobs_cancelled": workload.cycles,
            "tasks_killed": task_counts(spark)["killed"],
            "sessions_left_open": sum(executor.open_sessions for executor in after),
            "model_megabytes": MODEL_MEGABYTES,
            "megabytes_with_open_session": round(at_work),
            "megabytes_before": round(before),
            "megabytes_after": round(mean(executor.resident_megabytes() for executor in after)),
        }


def task_overtaken(cluster: Cluster, workload: Workload) -> Figures:
    """Stop an executor for a while (SIGSTOP): Spark runs copies of its tasks elsewhere and kills the stragglers."""
    speculation = {
        "spark.speculation": "true",
        "spark.speculation.interval": "100ms",
        "spark.speculation.quantile": "0.5",
        "spark.speculation.multiplier": "1.5",
        "spark.speculation.minTaskRuntime": "200ms",
    }
    with application(cluster, speculation) as spark:
        stage = classifier(spark)
        expected = undisturbed(spark, stage)
        frame = images(spark, workload.rows, workload.partitions)
        straggler = executors(spark)[0]
        job = BackgroundJob(spark, workload.partitions, lambda: answers(stage, frame))
        job.wait_for_tasks(finished=2)
        os.kill(straggler.process, signal.SIGSTOP)
        try:
            time.sleep(STRAGGLING_SECONDS)
            given = job.result.result(timeout=300)
        finally:
            os.kill(straggler.process, signal.SIGCONT)
        after = wait_for_closed_sessions(spark)
        return {
            "tasks_overtaken": task_counts(spark)["killed"],
            "sessions_left_open": sum(executor.open_sessions for executor in after),
            **compare(given, workload.rows, expected),
        }
