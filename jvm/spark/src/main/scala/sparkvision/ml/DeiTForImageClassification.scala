package sparkvision.ml

import org.apache.spark.ml.util.Identifiable

import sparkvision.ml.model.ModelFamily
import sparkvision.ml.stage.BundleReadable

/** Labels images with a DeiT model (Hugging Face's `DeiTForImageClassification` and `DeiTForImageClassificationWithTeacher`); columns and Params are those of [[ImageClassification]].
  */
class DeiTForImageClassification(override val uid: String) extends ImageClassification(uid) {
  def this() = this(Identifiable.randomUID("DeiTForImageClassification"))

  private[ml] override def family: Option[ModelFamily] = Some(ModelFamily.DeiT)
}

object DeiTForImageClassification extends BundleReadable[DeiTForImageClassification] {
  override protected def make(): DeiTForImageClassification = new DeiTForImageClassification

  override def load(path: String): DeiTForImageClassification = super.load(path)
}
