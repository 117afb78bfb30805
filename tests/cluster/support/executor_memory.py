"""Whether an executor's memory grows with the images that go through it."""

from __future__ import annotations

from statistics import median

from tests.cluster.support.application import (
    WHOLE_HEAP,
    answers,
    application,
    classifier,
    compare,
    executors,
    images,
    undisturbed,
)
from tests.cluster.support.cluster import Cluster
from tests.cluster.support.workload import Figures, Workload

ROUNDS = 20
WARM_UP_ROUNDS = 4


def memory_stays(cluster: Cluster, workload: Workload) -> Figures:
    """Send images, good and damaged, through one executor; compare its memory after warm-up and at the end."""
    with application(cluster, WHOLE_HEAP | {"spark.cores.max": "1"}) as spark:
        stage = classifier(spark)
        expected = undisturbed(spark, stage)
        rows = workload.memory_images // ROUNDS
        frame = images(spark, rows, partitions=4)
        (executor,) = executors(spark, count=1)
        samples = []
        wrong = 0
        for _ in range(ROUNDS):
            compared = compare(answers(stage, frame), rows, expected)
            wrong += sum(count for name, count in compared.items() if name != "rows")
            samples.append(executor.resident_megabytes())
        warm, end = median(samples[WARM_UP_ROUNDS : WARM_UP_ROUNDS + 4]), median(samples[-4:])
        return {
            "images": rows * ROUNDS,
            "rows_lost_duplicated_or_changed": wrong,
            "megabytes_by_round": [round(sample, 1) for sample in samples],
            "megabytes_after_warm_up": round(warm, 1),
            "megabytes_at_end": round(end, 1),
            "growth_percent": round(100 * (end / warm - 1), 2),
        }
