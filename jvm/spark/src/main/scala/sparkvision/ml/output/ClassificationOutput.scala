package sparkvision.ml.output

import org.apache.spark.ml.attribute.{Attribute, AttributeGroup, NominalAttribute, NumericAttribute}
import org.apache.spark.ml.linalg.{SQLDataTypes, Vectors}
import org.apache.spark.sql.Row
import org.apache.spark.sql.types._

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.ProblemType
import sparkvision.engine.postprocess.Prediction
import sparkvision.image.{ImageInput, ParameterException}
import sparkvision.ml.column.{Annotation, SourceImage}

/** The columns that a classification stage adds, each if its Param is set.
  *
  * The metadata of Spark ML's columns contains the labels, which its evaluators, IndexToString and others read.
  *
  * @param labels
  *   only on the driver, which writes the metadata: thousands of names need not travel with every task
  * @throws ParameterException
  *   when a column is requested that models of this problem type cannot fill
  */
final private[ml] case class ClassificationOutput(
    @transient labels: IndexedSeq[String],
    problemType: ProblemType,
    outputCol: Option[String],
    rawPredictionCol: Option[String],
    probabilityCol: Option[String],
    predictionCol: Option[String],
    errorCol: Option[String]
) extends ModelOutput[Prediction] {
  import ClassificationOutput._

  requireGiven(predictionCol, "predictionCol", problemType != ProblemType.MultiLabel && !isSeveralValues)
  requireGiven(probabilityCol, "probabilityCol", problemType != ProblemType.Regression)

  @transient lazy val fields: Seq[StructField] = Seq(
    outputCol.map(Annotation.resultField(_, Annotation.Category)),
    rawPredictionCol.map(vectorField),
    probabilityCol.map(vectorField),
    predictionCol.map(name =>
      StructField(name, DoubleType, metadata = predictionAttribute.withName(name).toMetadata())
    ),
    errorCol.map(StructField(_, StringType))
  ).flatten

  def results[A](model: LocalModel, items: Iterator[A])(
      image: A => ImageInput
  ): Iterator[(A, Either[String, Prediction])] = model.predictions(items)(image)

  /** Without a result the annotation is empty and the others are null. */
  def values(source: SourceImage, result: Either[String, Prediction]): Seq[Any] = {
    val prediction = result.toOption
    def orNull(value: Prediction => Any): Any = prediction.map(value).orNull
    Seq(
      outputCol.map(_ => prediction.fold(Seq.empty[Any])(annotations(source, _))),
      rawPredictionCol.map(_ => orNull(p => Vectors.dense(p.logits.map(_.toDouble)))),
      probabilityCol.map(_ => orNull(p => Vectors.dense(p.scores))),
      predictionCol.map(_ => orNull(best)),
      errorCol.map(_ => result.left.toOption.orNull)
    ).flatten
  }

  private def best(prediction: Prediction): Double = problemType match {
    case ProblemType.Regression => prediction.scores.head
    case _ => prediction.best.head.id.toDouble
  }

  private def isSeveralValues = problemType == ProblemType.Regression && labels.size != 1

  private def predictionAttribute: Attribute = problemType match {
    case ProblemType.Regression => NumericAttribute.defaultAttr
    case _ => NominalAttribute.defaultAttr.withValues(labels.toArray)
  }

  private def vectorField(name: String): StructField = {
    val attributes = labels.map(label => NumericAttribute.defaultAttr.withName(label): Attribute)
    StructField(name, SQLDataTypes.VectorType, metadata = new AttributeGroup(name, attributes.toArray).toMetadata())
  }

  private def requireGiven(column: Option[String], param: String, isGiven: Boolean): Unit =
    if (column.isDefined && !isGiven)
      throw new ParameterException(
        s"$param is '${column.mkString}', but a model of ${problemType.name} with ${labels.size} labels has none. " +
          "Use outputCol or rawPredictionCol."
      )
}

private[ml] object ClassificationOutput {

  /** One annotation per label, best first. Each has its own `score` and `id`, and the scores of all reported labels by name,
    * as in Spark NLP; of classes with the same name, the best score.
    */
  private def annotations(source: SourceImage, prediction: Prediction) = {
    // The facts last, so that a class called "width" or "score" does not replace them.
    val shared =
      prediction.best.reverseIterator.map(best => best.label -> text(best.score)).toMap ++ source.facts.asMetadata
    prediction.best.map { best =>
      val metadata = shared + ("score" -> text(best.score)) + ("id" -> best.id.toString)
      Annotation.result(Annotation.Category, metadata, best.label)
    }
  }

  // The model computes in float32; the last digits of a double would suggest more precision than there is.
  private def text(score: Double): String = score.toFloat.toString
}

/** The struct that `sparkvision_predict` returns in SQL: the best label, its score and id, all reported labels, and the
  * reason why there is no label. With a reason, the other fields are null.
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
