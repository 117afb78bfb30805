"""The application of test_cluster.py: two models with one file name, in two stages; what it found goes into a file.

Submitted as: two_models.py DIGITS BUNDLE OTHER_BUNDLE SAVED_PIPELINE RESULT
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from pyspark.ml import Pipeline
from pyspark.sql import SparkSession
from tests.cluster.support.application import sessions_opened

from sparkvision.ml import ImageAssembler, ViTForImageClassification


def main(digits: str, bundles: list[str], saved: str, result: str) -> None:
    """Label the digits with both models, and save the Pipeline."""
    spark = SparkSession.builder.appName("two models").getOrCreate()
    stages = [
        ViTForImageClassification.loadSavedModel(bundle, spark).setInputCols(["image"]).setOutputCol(output)
        for bundle, output in zip(bundles, ("class", "other"), strict=True)
    ]
    for bundle in bundles:
        shutil.rmtree(bundle)  # nobody can read it any more: executors have what the driver sends
    table = spark.read.format("binaryFile").load(digits).repartition(8)
    model = Pipeline(stages=[ImageAssembler(), *stages]).fit(table)
    labelled = model.transform(table).select("path", "class.result", "other.result").collect()
    model.write().overwrite().save(saved)
    found = {
        "labels": {path: [first[0], second[0]] for path, first, second in labelled},
        "sessions": sessions_opened(spark),
        "executors": spark._jsc.sc().getExecutorMemoryStatus().size() - 1,
    }
    Path(result).write_text(json.dumps(found))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:4], sys.argv[4], sys.argv[5])
