package sparkvision.ml.output

import org.apache.spark.sql.Row
import org.apache.spark.sql.types._

import sparkvision.engine.LocalModel
import sparkvision.engine.postprocess.Prediction
import sparkvision.image.ImageInput
import sparkvision.ml.column.SourceImage

/** The one struct that `sparkvision_predict` gives in SQL: the best label, its score and id, the topK labels, and the
  * reason why there are none. All the others are null where there is a reason.
  */
private[ml] case object PredictionStruct extends ModelOutput[Prediction] {
  private val scored = Seq(StructField("label", StringType), StructField("score", DoubleType))

  val dataType: StructType = StructType(
    scored ++ Seq(
      StructField("id", IntegerType),
      StructField("labels", ArrayType(StructType(scored))),
      StructField("error", StringType)
    )
  )

  override def fields: Seq[StructField] = Seq(StructField("sparkvision_predict", dataType, nullable = false))

  override def results[A](model: LocalModel, items: Iterator[A])(
      image: A => ImageInput
  ): Iterator[(A, Either[String, Prediction])] = model.predictions(items)(image)

  override def values(source: SourceImage, result: Either[String, Prediction]): Seq[Any] = result match {
    case Left(reason) => Seq(Row(null, null, null, null, reason))
    case Right(prediction) =>
      val best = prediction.best.headOption
      val labels = prediction.best.map(scored => Row(scored.label, scored.score))
      Seq(Row(best.map(_.label).orNull, best.map(_.score).orNull, best.map(_.id).orNull, labels, null))
  }
}
