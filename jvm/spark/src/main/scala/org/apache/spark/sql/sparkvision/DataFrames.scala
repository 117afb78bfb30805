package org.apache.spark.sql.sparkvision

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.{DataFrame, Dataset, SparkSession, classic}

/** Access to a private part of Spark: a DataFrame and its logical plan. */
object DataFrames {

  def of(spark: SparkSession, plan: LogicalPlan): DataFrame =
    classic.Dataset.ofRows(spark.asInstanceOf[classic.SparkSession], plan)

  /** A DataFrame of the rows that an operator returns. */
  def of(spark: SparkSession, rows: RDD[InternalRow], schema: StructType): DataFrame =
    spark.asInstanceOf[classic.SparkSession].internalCreateDataFrame(rows, schema)

  /** The analysed plan. A command has been run by then. */
  def plan(dataset: Dataset[_]): LogicalPlan = dataset.asInstanceOf[classic.Dataset[_]].logicalPlan
}
