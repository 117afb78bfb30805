package sparkvision.ml

import org.apache.spark.ml.util.Identifiable

import sparkvision.ml.model.ModelFamily
import sparkvision.ml.stage.BundleReadable

/** Labels images with a BEiT model (Hugging Face's `BeitForImageClassification`); columns and Params are those of [[ImageClassification]].
  */
class BeitForImageClassification(override val uid: String) extends ImageClassification(uid) {
  def this() = this(Identifiable.randomUID("BeitForImageClassification"))

  private[ml] override def family: Option[ModelFamily] = Some(ModelFamily.Beit)
}

object BeitForImageClassification extends BundleReadable[BeitForImageClassification] {
  override protected def make(): BeitForImageClassification = new BeitForImageClassification

  override def load(path: String): BeitForImageClassification = super.load(path)
}
