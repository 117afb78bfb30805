package sparkvision.ml

import org.apache.spark.ml.util.Identifiable

import sparkvision.ml.model.ModelFamily
import sparkvision.ml.stage.BundleReadable

/** Labels images with a Swin Transformer model (Hugging Face's `SwinForImageClassification` and `Swinv2ForImageClassification`); columns and Params are those of [[ImageClassification]].
  */
class SwinForImageClassification(override val uid: String) extends ImageClassification(uid) {
  def this() = this(Identifiable.randomUID("SwinForImageClassification"))

  private[ml] override def family: Option[ModelFamily] = Some(ModelFamily.Swin)
}

object SwinForImageClassification extends BundleReadable[SwinForImageClassification] {
  override protected def make(): SwinForImageClassification = new SwinForImageClassification

  override def load(path: String): SwinForImageClassification = super.load(path)
}
