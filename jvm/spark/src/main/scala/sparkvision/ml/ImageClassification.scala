package sparkvision.ml

import org.apache.spark.ml.util.Identifiable
import org.apache.spark.sql.SparkSession

import sparkvision.engine._

/** Labels pictures with a model of any architecture, exactly as Hugging Face would.
  *
  * {{{
  * val classification = ImageClassification.loadSavedModel("my-model", spark)
  *   .setInputCols("image").setOutputCol("class").setErrorCol("error")
  * classification.transform(images).select("class.result", "error")
  * }}}
  *
  * Input: a column of ImageAssembler's annotations, of encoded bytes, of paths, or of `binaryFile` or `image` structs.
  * Output: for each row its row, with a column of `category` annotations (best label first) and those of Spark ML.
  */
class ImageClassification(override val uid: String) extends VisionModelStage with ClassificationParams {
  def this() = this(Identifiable.randomUID("ImageClassification"))

  private[ml] type Result = Prediction

  /** The architectures that a named stage runs; None for all of them. */
  private[ml] def family: Option[ModelFamily] = None

  /** The names of the classes, in the order of their ids. */
  def labels: Array[String] = bundle(SparkSession.active).manifest.labels.toArray

  private[ml] def output(manifest: BundleManifest): ClassificationOutput = ClassificationOutput(
    manifest.labels,
    manifest.problemType,
    outputCol = getOutputCol,
    rawPredictionCol = getRawPredictionCol,
    probabilityCol = getProbabilityCol,
    predictionCol = getPredictionCol,
    errorCol = getErrorCol
  )

  private[ml] def outputParams: Seq[String] =
    Seq(outputCol, predictionCol, probabilityCol, rawPredictionCol, errorCol).map(_.name)

  private[ml] def requireRunnable(manifest: BundleManifest): Unit = {
    if (manifest.task != ModelTask.ImageClassification)
      throw new BundleException(
        s"The bundle at $modelUri is for ${manifest.task.name} and does not label pictures. Use " +
          s"${ModelFamily.stageFor(manifest)}, or a bundle for ${ModelTask.ImageClassification.name}."
      )
    family.filterNot(ModelFamily.runs(_, manifest.architecture)).foreach { named =>
      throw new BundleException(
        s"The bundle at $modelUri holds a ${manifest.architecture}, but ${named.stage} runs " +
          s"${named.architectures.mkString(" and ")}. Use ${ModelFamily.stageFor(manifest)}."
      )
    }
  }

  private[ml] override def settings(spark: SparkSession): ModelSettings =
    super.settings(spark).copy(topK = Option.when(isSet(topK))(getTopK), threshold = getThreshold)
}

object ImageClassification extends BundleReadable[ImageClassification] {
  override protected def make(): ImageClassification = new ImageClassification

  override def load(path: String): ImageClassification = super.load(path)
}
