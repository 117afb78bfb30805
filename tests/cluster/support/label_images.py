"""A Spark application as a user writes it: labels images and writes a Parquet table.

Submitted as: label_images.py OUTPUT ROWS PARTITIONS
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession
from tests.cluster.support.application import answered, classifier, images


def main(output: str, rows: int, partitions: int) -> None:
    """Label and write."""
    spark = SparkSession.builder.appName("label images").getOrCreate()
    answered(classifier(spark), images(spark, rows, partitions)).write.mode("overwrite").parquet(output)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
