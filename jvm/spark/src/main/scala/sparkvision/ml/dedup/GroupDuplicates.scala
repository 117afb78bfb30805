package sparkvision.ml.dedup

import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet}
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, UnaryNode}

/** The groups of duplicates among a query's images, computed when the query runs: `transform` and Spark Connect's
  * analyses, of which there are many, run no job.
  *
  * @param child
  *   with the columns that [[sparkvision.ml.dedup.DuplicateGroups]] reads
  * @param output
  *   the columns that it gives
  */
final private[ml] case class GroupDuplicates(
    settings: DuplicateSettings,
    override val output: Seq[Attribute],
    child: LogicalPlan
) extends UnaryNode {

  @transient override lazy val references: AttributeSet = child.outputSet

  override def producedAttributes: AttributeSet = AttributeSet(output)

  override protected def withNewChildInternal(newChild: LogicalPlan): GroupDuplicates = copy(child = newChild)
}
