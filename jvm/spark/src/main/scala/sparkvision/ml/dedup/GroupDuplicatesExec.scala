package sparkvision.ml.dedup

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet}
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.sql.sparkvision.DataFrames

/** Runs [[GroupDuplicates]]: jobs of its own, when its result is asked for. */
final private[ml] case class GroupDuplicatesExec(
    settings: DuplicateSettings,
    override val output: Seq[Attribute],
    child: SparkPlan
) extends UnaryExecNode {

  @transient override lazy val references: AttributeSet = child.outputSet

  override def producedAttributes: AttributeSet = AttributeSet(output)

  override protected def doExecute(): RDD[InternalRow] = {
    val images = DataFrames.of(session, child.execute(), child.schema)
    DuplicateGroups.of(images, settings).queryExecution.toRdd
  }

  override protected def withNewChildInternal(newChild: SparkPlan): GroupDuplicatesExec = copy(child = newChild)
}
