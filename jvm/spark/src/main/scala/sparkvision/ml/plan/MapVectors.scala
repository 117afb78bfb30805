package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, Expression}
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, UnaryNode}

import sparkvision.ml.task.VectorFunction

/** A query's rows, in order, with the columns that a function computes of their vectors. Spark prunes what passes through
  * and nobody reads, images above all.
  */
final private[ml] case class MapVectors(
    vector: Expression,
    function: VectorFunction,
    added: Seq[Attribute],
    child: LogicalPlan
) extends UnaryNode {

  override def output: Seq[Attribute] = child.output ++ added

  override def producedAttributes: AttributeSet = AttributeSet(added)

  override def maxRows: Option[Long] = child.maxRows

  override def maxRowsPerPartition: Option[Long] = child.maxRowsPerPartition

  override protected def withNewChildInternal(newChild: LogicalPlan): MapVectors = copy(child = newChild)
}
