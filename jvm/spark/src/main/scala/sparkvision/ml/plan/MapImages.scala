package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, Expression}
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, UnaryNode}

import sparkvision.ml.task.ImageFunction

/** A query's rows, in order, with the columns that a function computes of their images.
  *
  * Its child's columns pass through, so that Spark prunes those that nobody above reads, all but the images.
  *
  * @param unread
  *   columns that it needs itself, and nobody above: rows that wait for their batch, and those that are given out, are so
  *   much smaller
  * @param originName
  *   names the image; where it is null the image itself may know its name
  * @param defaultOriginName
  *   names an image that has no other name
  * @param argument
  *   what else of the row the function reads; null where it reads the image alone
  */
final private[ml] case class MapImages(
    image: Expression,
    originName: Expression,
    defaultOriginName: Expression,
    argument: Expression,
    function: ImageFunction,
    added: Seq[Attribute],
    child: LogicalPlan,
    unread: Seq[Attribute] = Nil
) extends UnaryNode {

  override protected def stringArgs: Iterator[Any] = Iterator(image, function, added)

  /** The child's columns that are given out. */
  def passed: Seq[Attribute] = child.output.filterNot(AttributeSet(unread).contains)

  override def output: Seq[Attribute] = passed ++ added

  override def producedAttributes: AttributeSet = AttributeSet(added)

  override def maxRows: Option[Long] = if (function.mayMultiplyRows) None else child.maxRows

  override def maxRowsPerPartition: Option[Long] = if (function.mayMultiplyRows) None else child.maxRowsPerPartition

  override protected def withNewChildInternal(newChild: LogicalPlan): MapImages = copy(child = newChild)
}
