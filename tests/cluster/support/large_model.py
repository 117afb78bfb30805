"""A model of more than 2 GB, which no byte array of the JVM holds."""

from __future__ import annotations

import shutil
import time

from tests.cluster.support.application import (
    answers,
    application,
    classifier,
    compare,
    executors,
    images,
    sessions_opened,
    undisturbed,
)
from tests.cluster.support.cluster import Cluster
from tests.cluster.support.model_variants import digits_variant
from tests.cluster.support.workload import Figures, Workload

from sparkvision.bundle import Bundle

MODEL_MEGABYTES = 2200


def large_model(cluster: Cluster, workload: Workload, megabytes: int = MODEL_MEGABYTES) -> Figures:
    """Distribute the model to both executors, whose heaps are smaller than it, and label images with it."""
    with application(cluster, {"spark.sparkvision.sessionIdle": "5min"}) as spark:
        expected = undisturbed(spark, classifier(spark))
        sessions_before = sessions_opened(spark)
        bundle = digits_variant(cluster.folder / "large", padding_megabytes=megabytes, external=True)
        size = Bundle.read(bundle).size()
        began = time.monotonic()
        stage = classifier(spark, bundle)
        loaded = time.monotonic()
        shutil.rmtree(bundle)  # the driver has its copy; nobody reads a shared folder
        given = answers(stage, images(spark, workload.rows, workload.partitions))
        ended = time.monotonic()
        return {
            "model_bytes": size,
            "executors": len(executors(spark)),
            "sessions_opened": sessions_opened(spark) - sessions_before,
            "seconds_to_load_on_driver": round(loaded - began, 1),
            "seconds_to_distribute_and_label": round(ended - loaded, 1),
            **compare(given, workload.rows, expected),
        }
