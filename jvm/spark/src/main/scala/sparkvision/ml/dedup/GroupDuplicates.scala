package sparkvision.ml.dedup

import org.apache.spark.ml.linalg.SQLDataTypes
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans.LeftOuter
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.execution.{SparkPlan, SparkStrategy, UnaryExecNode}
import org.apache.spark.sql.sparkvision.DataFrames
import org.apache.spark.sql.types.{DataType, LongType, StructField}
import org.apache.spark.sql.{DataFrame, Dataset, SparkSession}

import sparkvision.ml.plan.SessionRules

/** The groups of duplicates among the images of a query. They are computed when the query runs: `transform` and the
  * analyses of Spark Connect, of which there are many, run no job.
  *
  * @param child
  *   with the columns that [[DuplicateGroups]] reads
  * @param output
  *   the columns that it returns
  */
final private[dedup] case class GroupDuplicates(
    settings: DuplicateSettings,
    override val output: Seq[Attribute],
    child: LogicalPlan
) extends UnaryNode {

  @transient override lazy val references: AttributeSet = child.outputSet

  override def producedAttributes: AttributeSet = AttributeSet(output)

  override protected def withNewChildInternal(newChild: LogicalPlan): GroupDuplicates = copy(child = newChild)
}

private[ml] object GroupDuplicates {

  /** The columns of a dataset from which groups are made, by their index. */
  final case class Columns(id: Int, hash: Option[Int], embedding: Option[Int], order: Option[Int])

  /** The dataset with the columns of each row's group and of whether the row represents the group.
    *
    * @param added
    *   these two columns
    */
  def of(dataset: Dataset[_], columns: Columns, settings: DuplicateSettings, added: Seq[StructField]): DataFrame = {
    install(dataset.sparkSession)
    val images = DataFrames.plan(dataset)
    val groups = groupsOf(images, columns, settings, added)
    val sameId = EqualTo(images.output(columns.id), groups.output.head)
    val joined = Join(images, groups, LeftOuter, Some(sameId), withoutBroadcast)
    DataFrames.of(dataset.sparkSession, Project(images.output ++ groups.output.tail, joined))
  }

  /** Whether the values of a type have an order, so that a column of them may choose representatives. */
  def isOrderable(dataType: DataType): Boolean = RowOrdering.isOrderable(dataType)

  /** Enables a session to plan the operator. */
  def install(spark: SparkSession): Unit = {
    SessionRules.install(spark)
    SessionRules.installStrategy(spark, GroupDuplicatesStrategy)
  }

  /** Ids, groups and whether they represent them, under names that Spark can replace when the result is joined with itself. */
  private def groupsOf(
      images: LogicalPlan,
      columns: Columns,
      settings: DuplicateSettings,
      added: Seq[StructField]
  ): Project = {
    def column(index: Option[Int], otherwise: Expression) = index.fold(otherwise)(images.output(_))
    val id = images.output(columns.id)
    val read = Seq(
      "id" -> id,
      "hash" -> column(columns.hash, Literal(null, LongType)),
      "embedding" -> column(columns.embedding, Literal(null, SQLDataTypes.VectorType)),
      "order" -> column(columns.order, Literal(0))
    )
    val narrow = Project(read.map { case (name, value) => Alias(value, name)() }, images)
    val found = StructField("id", id.dataType) +: added
    val output = found.map(field => AttributeReference(field.name, field.dataType, field.nullable)())
    Project(output.map(value => Alias(value, value.name)()), GroupDuplicates(settings, output, narrow))
  }

  /** A broadcast would have to hold the groups of all images, and times out after five minutes. */
  private val withoutBroadcast = JoinHint(None, Some(HintInfo(strategy = Some(SHUFFLE_MERGE))))
}

/** Runs [[GroupDuplicates]]: its jobs start when its result is read. */
final private[dedup] case class GroupDuplicatesExec(
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

private[dedup] object GroupDuplicatesStrategy extends SparkStrategy {

  override def apply(plan: LogicalPlan): Seq[SparkPlan] = plan match {
    case GroupDuplicates(settings, output, child) => Seq(GroupDuplicatesExec(settings, output, planLater(child)))
    case _ => Nil
  }
}
