package sparkvision.ml

import org.apache.spark.ml.util.Identifiable

/** Labels pictures with a Vision Transformer that Hugging Face calls `ViTForImageClassification`, exactly as Hugging
  * Face would.
  *
  * {{{
  * val vit = ViTForImageClassification.loadSavedModel("my-vit", spark)
  *   .setInputCols("image").setOutputCol("class").setErrorCol("error")
  * vit.transform(images).select("class.result", "error")
  * }}}
  *
  * Input: a column of ImageAssembler's annotations, of encoded bytes, of paths, or of `binaryFile` or `image` structs.
  * Output: for each row its row, with a column of `category` annotations (best label first) and those of Spark ML.
  */
class ViTForImageClassification(override val uid: String) extends ImageClassification {
  def this() = this(Identifiable.randomUID("ViTForImageClassification"))

  override protected def architecture: String = "ViTForImageClassification"
}

object ViTForImageClassification extends BundleReadable[ViTForImageClassification] {
  override protected def make(): ViTForImageClassification = new ViTForImageClassification

  override def load(path: String): ViTForImageClassification = super.load(path)
}
