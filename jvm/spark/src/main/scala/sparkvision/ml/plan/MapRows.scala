package sparkvision.ml.plan

import org.apache.spark.SparkContext
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, Expression, SortOrder}
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, UnaryNode}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.execution.metric.SQLMetrics.{createAverageMetric, createMetric, createNanoTimingMetric}
import org.apache.spark.sql.execution.{SparkPlan, SparkStrategy, UnaryExecNode}

import sparkvision.ml.metrics.{ImageMetrics, OperatorCounters, StageTotals}
import sparkvision.ml.task.RowFunction

/** The rows of a query, in order, with the columns that a function computes from them.
  *
  * The columns of its child pass through, so that Spark prunes those that nothing above reads, except the function's own
  * inputs.
  *
  * @param values
  *   what the function reads from a row, as its `RowInput` describes; the image, the vector or the text first
  * @param unread
  *   columns that the function reads, but nothing above: rows that wait for their batch, and output rows, are smaller
  *   without them
  */
final private[ml] case class MapRows(
    values: Seq[Expression],
    function: RowFunction[_],
    added: Seq[Attribute],
    child: LogicalPlan,
    unread: Seq[Attribute] = Nil
) extends UnaryNode {

  override protected def stringArgs: Iterator[Any] = Iterator(values.head, function, added)

  /** The columns of the child that are part of the output. */
  def passed: Seq[Attribute] = child.output.filterNot(AttributeSet(unread).contains)

  override def output: Seq[Attribute] = passed ++ added

  override def producedAttributes: AttributeSet = AttributeSet(added)

  override def maxRows: Option[Long] = if (function.mayMultiplyRows) None else child.maxRows

  override def maxRowsPerPartition: Option[Long] = if (function.mayMultiplyRows) None else child.maxRowsPerPartition

  override protected def withNewChildInternal(newChild: LogicalPlan): MapRows = copy(child = newChild)
}

/** Runs [[MapRows]], a partition at a time: batches form across the rows of a partition, which keep their order. */
final private[ml] case class MapRowsExec(
    values: Seq[Expression],
    function: RowFunction[_],
    passed: Seq[Attribute],
    added: Seq[Attribute],
    child: SparkPlan
) extends UnaryExecNode {

  override def nodeName: String = function.name

  override protected def stringArgs: Iterator[Any] = Iterator(values.head, function.description, added)

  override def output: Seq[Attribute] = passed ++ added

  override def producedAttributes: AttributeSet = AttributeSet(added)

  override def outputPartitioning: Partitioning = child.outputPartitioning

  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  override lazy val metrics: Map[String, SQLMetric] = OperatorMetrics.of(sparkContext)

  override protected def doExecute(): RDD[InternalRow] = execute(function)

  private def execute[A](function: RowFunction[A]): RDD[InternalRow] = {
    val task = function.start(session)
    val totals = StageTotals.of(function.name, task.modelHash, sparkContext)
    val counters = new ImageMetrics(new OperatorMetrics(metrics), totals)
    val read = function.input.reader(values.map(_.dataType), sparkContext)
    val rows = new RowBatches(values, child.output, passed, added, read)
    child
      .execute()
      .mapPartitionsWithIndex(
        (partition, input) => rows.map(partition, input)(task(_, counters)),
        preservesPartitioning = true
      )
  }

  override protected def withNewChildInternal(newChild: SparkPlan): MapRowsExec = copy(child = newChild)
}

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

/** Plans [[MapRows]]. */
private[plan] object RowStrategy extends SparkStrategy {

  override def apply(plan: LogicalPlan): Seq[SparkPlan] = plan match {
    case rows @ MapRows(values, function, added, child, _) =>
      Seq(MapRowsExec(values, function, rows.passed, added, planLater(child)))
    case _ => Nil
  }
}
