package sparkvision.ml

import org.apache.spark.ml.util.Identifiable

import sparkvision.ml.model.ModelFamily
import sparkvision.ml.stage.BundleReadable

/** Finds objects in images with a DETR model (Hugging Face's `DetrForObjectDetection`).
  *
  * {{{
  * val detector = DetrForObjectDetection.loadSavedModel("my-detector", spark)
  *   .setInputCols("image").setDetectionsCol("objects").setThreshold(0.9)
  * detector.transform(images).select("objects.label", "objects.box")
  * }}}
  *
  * Columns and Params are those of [[ObjectDetection]].
  */
class DetrForObjectDetection(override val uid: String) extends ObjectDetection(uid) {
  def this() = this(Identifiable.randomUID("DetrForObjectDetection"))

  private[ml] override def family: Option[ModelFamily] = Some(ModelFamily.Detr)
}

object DetrForObjectDetection extends BundleReadable[DetrForObjectDetection] {
  override protected def make(): DetrForObjectDetection = new DetrForObjectDetection

  override def load(path: String): DetrForObjectDetection = super.load(path)
}
