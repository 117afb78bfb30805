package sparkvision.ml

import org.apache.spark.ml.util.Identifiable

import sparkvision.ml.model.ModelFamily
import sparkvision.ml.stage.BundleReadable

/** Labels images with a DINOv2 model (Hugging Face's `Dinov2ForImageClassification` and `Dinov2WithRegistersForImageClassification`); columns and Params are those of [[ImageClassification]].
  */
class Dinov2ForImageClassification(override val uid: String) extends ImageClassification(uid) {
  def this() = this(Identifiable.randomUID("Dinov2ForImageClassification"))

  private[ml] override def family: Option[ModelFamily] = Some(ModelFamily.Dinov2)
}

object Dinov2ForImageClassification extends BundleReadable[Dinov2ForImageClassification] {
  override protected def make(): Dinov2ForImageClassification = new Dinov2ForImageClassification

  override def load(path: String): Dinov2ForImageClassification = super.load(path)
}
