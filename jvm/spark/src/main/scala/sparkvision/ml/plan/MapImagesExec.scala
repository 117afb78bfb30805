package sparkvision.ml.plan

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, Expression, SortOrder}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.util.SerializableConfiguration

import sparkvision.ml.column.ImageReader
import sparkvision.ml.metrics.{ImageMetrics, StageTotals}
import sparkvision.ml.task.ImageFunction

/** Runs [[MapImages]], a partition at a time: batches form across its rows, which come out in the order they came in. */
final private[ml] case class MapImagesExec(
    image: Expression,
    originName: Expression,
    defaultOriginName: Expression,
    argument: Expression,
    function: ImageFunction,
    passed: Seq[Attribute],
    added: Seq[Attribute],
    child: SparkPlan
) extends UnaryExecNode {

  override def nodeName: String = function.name

  override protected def stringArgs: Iterator[Any] = Iterator(image, function.description, added)

  override def output: Seq[Attribute] = passed ++ added

  override def producedAttributes: AttributeSet = AttributeSet(added)

  override def outputPartitioning: Partitioning = child.outputPartitioning

  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  override lazy val metrics: Map[String, SQLMetric] = ImageMetrics.ofOperator(sparkContext)

  override protected def doExecute(): RDD[InternalRow] = {
    val configuration = Option.when(ImageReader.readsFiles(image.dataType)) {
      sparkContext.broadcast(new SerializableConfiguration(sparkContext.hadoopConfiguration))
    }
    val rows = new ImageRows(
      image,
      originName,
      defaultOriginName,
      argument,
      child.output,
      passed,
      added,
      new ImageReader(image.dataType, configuration),
      function,
      new ImageMetrics(metrics, StageTotals.of(function, sparkContext))
    )
    child
      .execute()
      .mapPartitionsWithIndex((partition, input) => rows.map(partition, input), preservesPartitioning = true)
  }

  override protected def withNewChildInternal(newChild: SparkPlan): MapImagesExec = copy(child = newChild)
}
