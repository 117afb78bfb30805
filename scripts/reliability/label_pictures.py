"""A Spark application as a user writes it: labels pictures and writes a Parquet table.

Submitted as: label_pictures.py OUTPUT ROWS PARTITIONS
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

from reliability.application import answered, classifier, pictures


def main(output: str, rows: int, partitions: int) -> None:
    """Label and write."""
    spark = SparkSession.builder.appName("label pictures").getOrCreate()
    answered(classifier(spark), pictures(spark, rows, partitions)).write.mode("overwrite").parquet(output)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
