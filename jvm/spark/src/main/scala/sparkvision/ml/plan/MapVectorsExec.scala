package sparkvision.ml.plan

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, Expression, MutableProjection, SortOrder}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.catalyst.{CatalystTypeConverters, InternalRow}
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.util.SerializableConfiguration

import sparkvision.ml.column.VectorColumn
import sparkvision.ml.task.VectorFunction

/** Runs [[MapVectors]], a partition at a time: rows come out in the order they came in. */
final private[ml] case class MapVectorsExec(
    vector: Expression,
    function: VectorFunction,
    added: Seq[Attribute],
    child: SparkPlan
) extends UnaryExecNode {

  override def nodeName: String = function.name

  override protected def stringArgs: Iterator[Any] = Iterator(vector, function.description, added)

  override def output: Seq[Attribute] = child.output ++ added

  override def producedAttributes: AttributeSet = AttributeSet(added)

  override def outputPartitioning: Partitioning = child.outputPartitioning

  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  override protected def doExecute(): RDD[InternalRow] = {
    val configuration = sparkContext.broadcast(new SerializableConfiguration(sparkContext.hadoopConfiguration))
    val columns = new AddedColumns(child.output, child.output, added)
    val read = new VectorValues(vector, child.output)
    val compute = function
    child
      .execute()
      .mapPartitionsWithIndex(
        (partition, rows) =>
          columns.map(rows, read.of(partition)) { vectors =>
            compute(vectors, configuration.value.value).map(Some(_))
          },
        preservesPartitioning = true
      )
  }

  override protected def withNewChildInternal(newChild: SparkPlan): MapVectorsExec = copy(child = newChild)
}

/** Reads the vectors of rows. */
final private class VectorValues(vector: Expression, passed: Seq[Attribute]) extends Serializable {

  def of(partition: Int): InternalRow => Array[Double] = {
    val evaluate = MutableProjection.create(Seq(vector), passed)
    evaluate.initialize(partition)
    val toScala = CatalystTypeConverters.createToScalaConverter(vector.dataType)
    row => {
      val value = evaluate(row)
      VectorColumn.numbers(if (value.isNullAt(0)) null else toScala(value.get(0, vector.dataType)))
    }
  }
}
