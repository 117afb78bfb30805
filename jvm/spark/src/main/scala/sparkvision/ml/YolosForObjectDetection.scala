package sparkvision.ml

import org.apache.spark.ml.util.Identifiable

import sparkvision.ml.model.ModelFamily
import sparkvision.ml.stage.BundleReadable

/** Finds objects in images with a YOLOS, a Vision Transformer (Hugging Face's `YolosForObjectDetection`).
  *
  * {{{
  * val detector = YolosForObjectDetection.loadSavedModel("my-detector", spark)
  *   .setInputCols("image").setDetectionsCol("objects").setThreshold(0.9)
  * detector.transform(images).select("objects.label", "objects.box")
  * }}}
  *
  * Columns and Params are those of [[ObjectDetection]].
  */
class YolosForObjectDetection(override val uid: String) extends ObjectDetection(uid) {
  def this() = this(Identifiable.randomUID("YolosForObjectDetection"))

  private[ml] override def family: Option[ModelFamily] = Some(ModelFamily.Yolos)
}

object YolosForObjectDetection extends BundleReadable[YolosForObjectDetection] {
  override protected def make(): YolosForObjectDetection = new YolosForObjectDetection

  override def load(path: String): YolosForObjectDetection = super.load(path)
}
