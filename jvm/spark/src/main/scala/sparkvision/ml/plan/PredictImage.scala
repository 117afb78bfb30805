package sparkvision.ml.plan

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.analysis.TypeCheckResult
import org.apache.spark.sql.catalyst.analysis.TypeCheckResult.{TypeCheckFailure, TypeCheckSuccess}
import org.apache.spark.sql.catalyst.expressions.Expression
import org.apache.spark.sql.types._
import org.apache.spark.unsafe.types.UTF8String

import sparkvision.engine.bundle.{BundleException, BundleManifest, ModelTask}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.image.SparkVisionException
import sparkvision.ml.column.{ImageReader, SourceImage}
import sparkvision.ml.model.{ModelFamily, ModelReference, SentModel}
import sparkvision.ml.output.PredictionStruct
import sparkvision.ml.param.BadImageMode
import sparkvision.ml.task.{ModelRun, PartitionRunner, RowFunction, RowInput, RowTask, RunModelTask}

/** `sparkvision_predict(image, model[, topK])` in SQL. The expression cannot be evaluated: [[ExtractPredictions]] replaces
  * it with an operator that runs images in batches.
  */
final private[plan] case class PredictImage(image: Expression, modelUri: Expression, topK: Option[Expression])
    extends ExtractedExpression {

  override def children: Seq[Expression] = Seq(image, modelUri) ++ topK
  override def dataType: DataType = PredictionStruct.dataType
  override def nullable: Boolean = false
  override def prettyName: String = PredictImage.Name

  override def checkInputDataTypes(): TypeCheckResult =
    if (!ImageReader.reads(image.dataType))
      TypeCheckFailure(
        s"its first argument has type ${image.dataType.simpleString}, which cannot hold images. It may be binary " +
          "(encoded bytes), string (a path), a binaryFile or image struct, or ImageAssembler's output"
      )
    else if (!modelUri.foldable || modelUri.dataType != StringType)
      TypeCheckFailure("its second argument must be the model bundle's path or URI, a constant string")
    else if (topK.exists(count => !count.foldable || count.dataType != IntegerType))
      TypeCheckFailure("its third argument, topK, must be a constant int")
    else TypeCheckSuccess

  /** What computes the prediction, according to the constant arguments. Looks for no model.
    *
    * @throws PlanningException
    *   when the model's path is null, or topK is null or less than 1
    */
  def function(spark: SparkSession): PredictLabels = {
    val uri = modelUri.eval() match {
      case text: UTF8String => text.toString
      case _ => throw new PlanningException(s"${PredictImage.Name}: the model's path is null.")
    }
    val settings = ModelSettings(
      batchSize = Some(ModelTask.ImageClassification.batchSize),
      topK = topK.map(labelCount),
      cores = PartitionRunner.executorCores(spark.sparkContext.getConf),
      sessionIdle = PartitionRunner.sessionIdle(spark.sparkContext)
    )
    PredictLabels(ModelRun(ModelReference(uri, None)(new SentModel), settings))
  }

  private def labelCount(constant: Expression): Int = constant.eval() match {
    case count: Int if count >= 1 => count
    case count => throw new PlanningException(s"${PredictImage.Name}: topK must be at least 1, not $count.")
  }

  override protected def withNewChildrenInternal(newChildren: IndexedSeq[Expression]): PredictImage =
    copy(newChildren(0), newChildren(1), newChildren.lift(2))
}

private[plan] object PredictImage {
  val Name = "sparkvision_predict"
  val Usage: String =
    "_FUNC_(image, model[, topK]) - Labels an image with the model bundle at a path or URI: a struct of label, score, " +
      "id, labels (at most topK; if omitted, the best label, and for a multi-label model every label at or above the " +
      "threshold) and error (the reason why there is no label)."

  /** @throws PlanningException
    *   when there are too few or too many arguments
    */
  def of(arguments: Seq[Expression]): Expression = arguments match {
    case Seq(image, uri) => PredictImage(image, uri, None)
    case Seq(image, uri, topK) => PredictImage(image, uri, Some(topK))
    case other =>
      throw new PlanningException(
        s"$Name takes an image, a model's path and, optionally, topK; not ${other.size} arguments."
      )
  }
}

/** Computes what `sparkvision_predict` returns. The bundle is looked for when the execution of the query starts, and
  * fetched when it is new or has changed.
  */
final private[plan] case class PredictLabels(run: ModelRun) extends RowFunction[SourceImage] {
  override def name: String = PredictImage.Name
  override def description: String = run.description
  override def input: RowInput[SourceImage] = RowInput.Image
  override def keepsEveryRow: Boolean = true
  override def mayFail: Boolean = false

  /** @throws PlanningException
    *   when the model cannot be used
    */
  override def start(spark: SparkSession): RowTask[SourceImage] =
    try {
      val runner = run.start(spark) { bundle =>
        requireLabels(bundle.manifest)
        run.requireFitting(bundle)
      }
      new RunModelTask(runner, BadImageMode.Permissive, PredictionStruct)
    } catch { case e: SparkVisionException => throw new PlanningException(e.getMessage, Some(e)) }

  private def requireLabels(manifest: BundleManifest): Unit =
    if (manifest.task != ModelTask.ImageClassification)
      throw new BundleException(
        s"The bundle at ${run.model.uri} is for ${manifest.task.name}; $name runs image classification models. " +
          s"Use ${ModelFamily.stageFor(manifest)}."
      )
}
