package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.FunctionIdentifier
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry.FunctionBuilder
import org.apache.spark.sql.catalyst.analysis.TableFunctionRegistry.TableFunctionBuilder
import org.apache.spark.sql.catalyst.expressions.{AttributeReference, ExpressionInfo}
import org.apache.spark.sql.catalyst.plans.logical.{LocalRelation, LogicalPlan}
import org.apache.spark.sql.{AnalysisException, SparkSession}

import sparkvision.ml.metrics.StageTotals

/** The functions that SparkVision adds to SQL. */
private[ml] object SqlFunctions {
  private val MetricsName = "sparkvision_metrics"
  private val MetricsUsage =
    "_FUNC_() - The totals of each stage and model in this application: images, batches and times."

  val scalars: Seq[(FunctionIdentifier, ExpressionInfo, FunctionBuilder)] =
    Seq(
      (FunctionIdentifier(PredictImage.Name), predictInformation, PredictImage.of),
      (FunctionIdentifier(ThumbnailImage.Name), thumbnailInformation, ThumbnailImage.of)
    )

  val tables: Seq[(FunctionIdentifier, ExpressionInfo, TableFunctionBuilder)] =
    Seq((FunctionIdentifier(MetricsName), information(getClass.getName, MetricsName, MetricsUsage), _ => totals()))

  private def predictInformation =
    information(classOf[PredictImage].getName, PredictImage.Name, PredictImage.Usage)

  private def thumbnailInformation =
    information(ThumbnailImage.getClass.getName, ThumbnailImage.Name, ThumbnailImage.Usage)

  /** What `DESCRIBE FUNCTION` shows. */
  private def information(className: String, name: String, usage: String): ExpressionInfo =
    new ExpressionInfo(className, null, name, usage, "", "", "", "", "", "", "scala_udf")

  /** The totals at the time when the query is analysed. */
  private def totals(): LogicalPlan = LocalRelation.fromExternalRows(
    StageTotals.schema.map(field => AttributeReference(field.name, field.dataType, field.nullable)()),
    StageTotals.all(SparkSession.active.sparkContext).map(_.row)
  )
}

/** A query whose SQL function cannot be planned or started. Because it is an exception of Spark, users of Python, SQL and
  * Connect see its message without the stack trace of the driver. A stage throws the engine's own exceptions.
  */
final private[plan] class PlanningException(message: String, cause: Option[Throwable] = None)
    extends AnalysisException(
      message,
      None,
      None,
      cause,
      // pyspark requires a condition of Spark's own list. This one adds nothing to the message.
      Some("USER_RAISED_EXCEPTION"),
      Map("errorMessage" -> message),
      Array.empty
    )
