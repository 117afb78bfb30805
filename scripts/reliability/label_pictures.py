"""A Spark application as a user writes it: labels pictures and writes a Parquet table.

Submitted as: label_pictures.py OUTPUT ROWS PARTITIONS
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from reliability.application import classifier, pictures


def main(output: str, rows: int, partitions: int) -> None:
    """Label and write."""
    spark = SparkSession.builder.appName("label pictures").getOrCreate()
    labelled = classifier(spark).transform(pictures(spark, rows, partitions))
    answer = F.coalesce(F.col("class.result")[0], F.col("error")).alias("answer")
    labelled.select("id", "picture", answer).write.mode("overwrite").parquet(output)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
