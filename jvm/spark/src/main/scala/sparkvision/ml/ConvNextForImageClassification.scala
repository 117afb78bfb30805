package sparkvision.ml

import org.apache.spark.ml.util.Identifiable

import sparkvision.ml.model.ModelFamily
import sparkvision.ml.stage.BundleReadable

/** Labels images with a ConvNeXT model (Hugging Face's `ConvNextForImageClassification` and `ConvNextV2ForImageClassification`); columns and Params are those of [[ImageClassification]].
  */
class ConvNextForImageClassification(override val uid: String) extends ImageClassification(uid) {
  def this() = this(Identifiable.randomUID("ConvNextForImageClassification"))

  private[ml] override def family: Option[ModelFamily] = Some(ModelFamily.ConvNext)
}

object ConvNextForImageClassification extends BundleReadable[ConvNextForImageClassification] {
  override protected def make(): ConvNextForImageClassification = new ConvNextForImageClassification

  override def load(path: String): ConvNextForImageClassification = super.load(path)
}
