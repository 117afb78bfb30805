package sparkvision.ml

import org.apache.spark.SparkContext
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.util.LongAccumulator

/** Where tasks count what an operator does with pictures. */
final private[ml] class PictureMetrics private (operator: Map[String, SQLMetric], totals: Map[String, LongAccumulator])
    extends Serializable {

  def add(name: String, count: Long): Unit = {
    operator.get(name).foreach(_.add(count))
    totals.get(name).foreach(_.add(count))
  }
}

private[ml] object PictureMetrics {
  val Pictures = "pictures"
  val Unusable = "unusable"
  val Sessions = "sessions"

  /** An operator's metrics, which the Spark UI shows beside it. */
  def ofOperator(context: SparkContext): Map[String, SQLMetric] = Map(
    Pictures -> SQLMetrics.createMetric(context, "pictures"),
    Unusable -> SQLMetrics.createMetric(context, "unusable pictures"),
    Sessions -> SQLMetrics.createMetric(context, "sessions opened")
  )

  def of(function: PictureFunction, operator: Map[String, SQLMetric], context: SparkContext): PictureMetrics =
    new PictureMetrics(operator, Map(Sessions -> ModelDistributor.sessionsOpened(context)))
}
