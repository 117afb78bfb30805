"""Whether an executor's memory grows with the pictures that go through it."""

from __future__ import annotations

from statistics import median

from reliability.application import (
    WHOLE_HEAP,
    answers,
    application,
    classifier,
    compare,
    executors,
    pictures,
    undisturbed,
)
from reliability.cluster import Cluster
from reliability.workload import Figures, Workload

ROUNDS = 20
WARM_UP_ROUNDS = 4


def memory_stays(cluster: Cluster, workload: Workload) -> Figures:
    """Send pictures, good and damaged, through one executor; compare its memory after warm-up and at the end."""
    with application(cluster, WHOLE_HEAP | {"spark.cores.max": "1"}) as spark:
        stage = classifier(spark)
        expected = undisturbed(spark, stage)
        rows = workload.memory_pictures // ROUNDS
        frame = pictures(spark, rows, partitions=4)
        (executor,) = executors(spark, count=1)
        samples = []
        wrong = 0
        for _ in range(ROUNDS):
            compared = compare(answers(stage, frame), rows, expected)
            wrong += sum(count for name, count in compared.items() if name != "rows")
            samples.append(executor.resident_megabytes())
        warm, end = median(samples[WARM_UP_ROUNDS : WARM_UP_ROUNDS + 4]), median(samples[-4:])
        return {
            "pictures": rows * ROUNDS,
            "rows_lost_duplicated_or_changed": wrong,
            "megabytes_by_round": [round(sample, 1) for sample in samples],
            "megabytes_after_warm_up": round(warm, 1),
            "megabytes_at_end": round(end, 1),
            "growth_percent": round(100 * (end / warm - 1), 2),
        }
