package sparkvision.ml

import org.apache.spark.ml.util.Identifiable
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.EmbeddedModels
import sparkvision.ml.model.ModelFamily
import sparkvision.ml.stage.BundleReadable

/** Labels images with a Vision Transformer (Hugging Face's `ViTForImageClassification`).
  *
  * {{{
  * val vit = ViTForImageClassification.loadSavedModel("my-vit", spark).setInputCols("image").setOutputCol("class")
  * vit.transform(images).select("class.result")
  * }}}
  *
  * Columns and Params are those of [[ImageClassification]].
  */
class ViTForImageClassification(override val uid: String) extends ImageClassification(uid) {
  def this() = this(Identifiable.randomUID("ViTForImageClassification"))

  private[ml] override def family: Option[ModelFamily] = Some(ModelFamily.ViT)
}

object ViTForImageClassification extends BundleReadable[ViTForImageClassification] {
  override protected def make(): ViTForImageClassification = new ViTForImageClassification

  /** A stage with the embedded model, which classifies handwritten digits. */
  def pretrained(): ViTForImageClassification = loadSavedModel(EmbeddedModels.Default, SparkSession.active)

  override def load(path: String): ViTForImageClassification = super.load(path)
}
