package sparkvision.ml.plan

import org.apache.spark.SparkContext
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.execution.metric.SQLMetrics.{createAverageMetric, createMetric, createNanoTimingMetric}

import sparkvision.ml.metrics.{ImageMetrics, OperatorCounters}

/** The counters of one operator, which Spark's UI shows beside the operator. */
final private[plan] class OperatorMetrics(metrics: Map[String, SQLMetric]) extends OperatorCounters {
  override def add(counter: String, amount: Long): Unit = metrics(counter).add(amount)

  override def batchFill(mean: Double): Unit = metrics(OperatorMetrics.BatchFill).set(mean)
}

private[plan] object OperatorMetrics {
  import ImageMetrics._

  private val BatchFill = "batchFill"

  def of(context: SparkContext): Map[String, SQLMetric] = Map(
    Images -> createMetric(context, "images"),
    Unusable -> createMetric(context, "unusable images"),
    Decoded -> createMetric(context, "decoded images"),
    Batches -> createMetric(context, "batches"),
    BatchFill -> createAverageMetric(context, "images per batch"),
    Decode -> createNanoTimingMetric(context, "time to decode"),
    Preprocess -> createNanoTimingMetric(context, "time to preprocess"),
    Run -> createNanoTimingMetric(context, "time to run the model"),
    Postprocess -> createNanoTimingMetric(context, "time to postprocess"),
    Sessions -> createMetric(context, "sessions opened")
  )
}
