"""What `sparkvision.metrics` tells of a stage."""

from __future__ import annotations

from pyspark.sql import DataFrame, Row, SparkSession

import sparkvision
from sparkvision.ml import ImageAssembler, ViTForImageClassification


def of_stage(spark: SparkSession, uid: str) -> Row:
    (row,) = sparkvision.metrics(spark).where(f"stage = '{uid}'").collect()
    return row


def test_a_stage_counts_images_batches_and_times_of_all_its_queries(
    spark: SparkSession, vit: ViTForImageClassification, mixed: DataFrame
) -> None:
    vit.setBatchSize(3).transform(mixed).collect()
    vit.transform(mixed).collect()
    row = of_stage(spark, vit.uid)
    assert (row["images"], row["unusable"], row["batches"], row["images_per_batch"]) == (12, 4, 4, 2.0)
    assert all(row[f"{step}_seconds"] > 0 for step in ("decode", "preprocess", "run", "postprocess"))
    assert row["providers"] == ["cpu"] and row["model"] == vit.getBundleHash()


def test_a_session_is_counted_where_it_is_opened(
    spark: SparkSession, vit: ViTForImageClassification, mixed: DataFrame
) -> None:
    # Threads of its own: a session that no other test has opened.
    vit.setIntraOpThreads(5)
    for _ in range(2):
        vit.transform(mixed).collect()
    assert of_stage(spark, vit.uid)["sessions_opened"] == 1


def test_a_stage_without_a_model_counts_its_images(spark: SparkSession, mixed: DataFrame) -> None:
    assembler = ImageAssembler()
    assembler.transform(mixed).collect()
    row = of_stage(spark, assembler.uid)
    assert (row["images"], row["unusable"], row["model"], row["batches"]) == (6, 1, None, 0)


def test_a_stage_that_has_not_run_has_no_row(spark: SparkSession, vit: ViTForImageClassification) -> None:
    assert sparkvision.metrics(spark).where(f"stage = '{vit.uid}'").count() == 0
