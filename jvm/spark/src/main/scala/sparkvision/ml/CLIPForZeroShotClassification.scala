package sparkvision.ml

import org.apache.spark.ml.param._
import org.apache.spark.ml.util.Identifiable
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.BundleManifest
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.text.CandidateLabels
import sparkvision.ml.stage.{BundleReadable, ClassificationStage}

/** Labels images with labels of the user's own choice, by a CLIP model, as transformers' pipeline
  * `zero-shot-image-classification` does.
  *
  * {{{
  * CLIPForZeroShotClassification.loadSavedModel("my-clip", spark).setInputCols("image").setOutputCol("class")
  *   .setCandidateLabels(Array("a red car", "a dog"))
  * }}}
  *
  * Each label is put into hypothesisTemplate, and the image compared with those sentences. Their embeddings are computed
  * once an executor; those of labels that were fixed at export are in the bundle. Columns and Params are those of
  * [[ImageClassification]].
  */
class CLIPForZeroShotClassification(override val uid: String) extends ClassificationStage {
  def this() = this(Identifiable.randomUID("CLIPForZeroShotClassification"))

  final val candidateLabels: StringArrayParam = new StringArrayParam(
    this,
    "candidateLabels",
    "the labels to choose among (unset: those that the bundle was exported with)",
    (labels: Array[String]) => labels.nonEmpty
  )
  final val hypothesisTemplate: Param[String] = new Param(
    this,
    "hypothesisTemplate",
    "the sentence that each label is put into, in the place of {} (unset: the bundle's, which is This is a photo of {}. " +
      "if the export was not told another)"
  )

  def setCandidateLabels(value: Array[String]): this.type = set(candidateLabels, value)
  def getCandidateLabels: Option[Array[String]] = get(candidateLabels)
  def setHypothesisTemplate(value: String): this.type = set(hypothesisTemplate, value)
  def getHypothesisTemplate: Option[String] = get(hypothesisTemplate)

  private def chosenLabels = CandidateLabels(getCandidateLabels.map(_.toSeq), getHypothesisTemplate)

  private[ml] override def labelsOf(manifest: BundleManifest): IndexedSeq[String] = chosenLabels.in(manifest).labels

  private[ml] def requireRunnable(manifest: BundleManifest): Unit = requireZeroShot(manifest)

  private[ml] override def settings(spark: SparkSession): ModelSettings =
    super.settings(spark).copy(candidateLabels = Some(chosenLabels))
}

object CLIPForZeroShotClassification extends BundleReadable[CLIPForZeroShotClassification] {
  override protected def make(): CLIPForZeroShotClassification = new CLIPForZeroShotClassification

  override def load(path: String): CLIPForZeroShotClassification = super.load(path)
}
