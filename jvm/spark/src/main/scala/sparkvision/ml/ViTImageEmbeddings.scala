package sparkvision.ml

import org.apache.spark.ml.util.Identifiable

import sparkvision.ml.stage.BundleReadable

/** Computes the embedding of each image, as [[ImageEmbeddings]] does, under the name that Vision Transformers have in Spark
  * NLP.
  *
  * It runs the bundles of every architecture: this was the only stage for them, and stages that were saved with other models
  * go on working.
  */
class ViTImageEmbeddings(override val uid: String) extends ImageEmbeddings(uid) {
  def this() = this(Identifiable.randomUID("ViTImageEmbeddings"))
}

object ViTImageEmbeddings extends BundleReadable[ViTImageEmbeddings] {
  override protected def make(): ViTImageEmbeddings = new ViTImageEmbeddings

  override def load(path: String): ViTImageEmbeddings = super.load(path)
}
