package sparkvision.ml

import org.apache.spark.ml.param._
import org.apache.spark.ml.util.Identifiable
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.BundleManifest
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.text.CandidateLabels
import sparkvision.ml.stage.{BundleReadable, ClassificationStage}

/** Labels images with labels that the user chooses, with a CLIP model, as the pipeline `zero-shot-image-classification` of
  * transformers does.
  *
  * {{{
  * CLIPForZeroShotClassification.loadSavedModel("my-clip", spark).setInputCols("image").setOutputCol("class")
  *   .setCandidateLabels(Array("a red car", "a dog"))
  * }}}
  *
  * Each label is inserted into hypothesisTemplate, and the image is compared with these sentences. Each executor computes
  * their embeddings once; the bundle contains the embeddings of labels that were chosen at export. Columns and Params are
  * those of [[ImageClassification]].
  */
class CLIPForZeroShotClassification(override val uid: String) extends ClassificationStage {
  def this() = this(Identifiable.randomUID("CLIPForZeroShotClassification"))

  final val candidateLabels: StringArrayParam = new StringArrayParam(
    this,
    "candidateLabels",
    "labels to choose from (unset: the labels that the bundle was exported with)",
    (labels: Array[String]) => labels.nonEmpty
  )
  final val hypothesisTemplate: Param[String] = new Param(
    this,
    "hypothesisTemplate",
    "sentence in which {} is replaced with each label (unset: the template of the bundle, by default This is a photo of {}.)"
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
