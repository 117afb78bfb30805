package sparkvision.ml

import org.apache.spark.ml.linalg.{SQLDataTypes, Vectors}
import org.apache.spark.sql.types._

import sparkvision.engine.Prediction

/** The columns that a classification stage adds; each is there when its Param names it. */
final private[ml] case class ClassificationOutput(
    outputCol: Option[String],
    rawPredictionCol: Option[String],
    probabilityCol: Option[String],
    predictionCol: Option[String],
    errorCol: Option[String]
) {
  import ClassificationOutput._

  val fields: Seq[StructField] = Seq(
    outputCol.map(StructField(_, ArrayType(Annotation.categoryType), nullable = false, annotationMetadata)),
    rawPredictionCol.map(StructField(_, SQLDataTypes.VectorType)),
    probabilityCol.map(StructField(_, SQLDataTypes.VectorType)),
    predictionCol.map(StructField(_, DoubleType)),
    errorCol.map(StructField(_, StringType))
  ).flatten

  /** The values of [[fields]] for one picture. Without a result the annotation is empty and the others are null. */
  def values(source: SourcePicture, result: Either[String, Prediction]): Seq[Any] = {
    val prediction = result.toOption
    def orNull(value: Prediction => Any): Any = prediction.map(value).orNull
    Seq(
      outputCol.map(_ => prediction.fold(Seq.empty[Any])(annotations(source, _))),
      rawPredictionCol.map(_ => orNull(p => Vectors.dense(p.logits.map(_.toDouble)))),
      probabilityCol.map(_ => orNull(p => Vectors.dense(p.scores))),
      predictionCol.map(_ => orNull(_.best.head.id.toDouble)),
      errorCol.map(_ => result.left.toOption.orNull)
    ).flatten
  }
}

private object ClassificationOutput {
  private val annotationMetadata: Metadata = Annotation.columnMetadata("category")

  /** One annotation a label, best first; each carries the scores of all that are reported. */
  private def annotations(source: SourcePicture, prediction: Prediction) = {
    // float32 is what the model computes in; a double's last digits would only pretend.
    val scores = prediction.best.map(best => best.label -> best.score.toFloat.toString)
    // The facts last: a class that is called "width" must not replace them.
    val metadata = scores.toMap ++ source.facts.asMetadata
    prediction.best.map(best => Annotation.category(best.label, metadata))
  }
}
