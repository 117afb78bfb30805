package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.analysis.TypeCheckResult
import org.apache.spark.sql.catalyst.analysis.TypeCheckResult.{TypeCheckFailure, TypeCheckSuccess}
import org.apache.spark.sql.catalyst.expressions.{Expression, Literal}
import org.apache.spark.sql.types._
import org.apache.spark.unsafe.types.UTF8String

import sparkvision.ml.column.ImageReader

/** `sparkvision_predict(image, modelUri[, topK])` in SQL. It has no value of its own: [[ExtractPredictions]] puts an
  * operator that runs images in batches in its place.
  */
final private[ml] case class PredictImage(image: Expression, modelUri: Expression, topK: Expression)
    extends ExtractedExpression {

  override def children: Seq[Expression] = Seq(image, modelUri, topK)
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
    else if (!topK.foldable || topK.dataType != IntegerType)
      TypeCheckFailure("its third argument, topK, must be a constant int")
    else TypeCheckSuccess

  /** The constant arguments' values. */
  def uri: String = modelUri.eval() match {
    case text: UTF8String => text.toString
    case _ => throw new PlanningException(s"${PredictImage.Name}: the model's path is null.")
  }

  def labelCount: Int = topK.eval() match {
    case count: Int => count
    case _ => throw new PlanningException(s"${PredictImage.Name}: topK is null; it must be at least 1.")
  }

  override protected def withNewChildrenInternal(newChildren: IndexedSeq[Expression]): PredictImage =
    copy(newChildren(0), newChildren(1), newChildren(2))
}

private[ml] object PredictImage {
  val Name = "sparkvision_predict"
  val Usage: String =
    "_FUNC_(image, model[, topK]) - Labels an image with the model bundle at a path or URI: a struct of label, score, " +
      "id, labels (the topK best, 5 unless told) and error (why there is no label)."
  private val DefaultTopK = 5

  /** @throws PlanningException
    *   when there are too few or too many arguments
    */
  def of(arguments: Seq[Expression]): Expression = arguments match {
    case Seq(image, uri) => PredictImage(image, uri, Literal(DefaultTopK))
    case Seq(image, uri, topK) => PredictImage(image, uri, topK)
    case other =>
      throw new PlanningException(
        s"$Name takes an image, a model's path and, if you like, topK; not ${other.size} arguments."
      )
  }
}
