package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, Expression}
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, UnaryNode}

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
