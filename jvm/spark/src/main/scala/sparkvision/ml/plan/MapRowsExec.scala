package sparkvision.ml.plan

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, Expression, SortOrder}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}

import sparkvision.image.SparkVisionException
import sparkvision.ml.metrics.{ImageMetrics, StageTotals}
import sparkvision.ml.task.{RowFunction, RowTask}

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
    val task = started(function)
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

  private def started[A](function: RowFunction[A]): RowTask[A] =
    try function.start(session)
    catch { case e: SparkVisionException => throw new PlanningException(e.getMessage, Some(e)) }

  override protected def withNewChildInternal(newChild: SparkPlan): MapRowsExec = copy(child = newChild)
}
