package sparkvision.engine.postprocess

import sparkvision.engine.bundle.BundleException
import sparkvision.image.ImageException

/** The logits of CLIP: the scaled cosines between the embedding of an image and the embeddings of texts.
  *
  * @param texts
  *   one embedding for each text, not normalised
  * @param scale
  *   factor of the cosines
  * @throws BundleException
  *   when the embedding of a text has no direction
  */
final private[engine] class EmbeddingComparison(texts: IndexedSeq[Array[Float]], scale: Double) {
  import EmbeddingComparison._

  private val lengths = texts.map(EmbeddingsPostprocessor.length)

  if (!lengths.forall(isOfDirection))
    throw new BundleException(
      s"The text encoder returns for a candidate label $NoDirection. Export the checkpoint again."
    )

  /** @throws ImageException
    *   when the embedding of the image has no direction, because its cosines would be NaN
    */
  def logits(image: Array[Float]): Array[Float] = {
    val length = EmbeddingsPostprocessor.length(image)
    if (!isOfDirection(length)) throw new ImageException(s"the model returns for this image $NoDirection")
    texts.indices.map { text =>
      // Loops, because Scala's collections box every number.
      var product = 0.0
      for (i <- image.indices) product += image(i).toDouble * texts(text)(i)
      (scale * product / (length * lengths(text))).toFloat
    }.toArray
  }
}

private object EmbeddingComparison {
  private val NoDirection =
    "an embedding that is all zeros, or contains NaN or infinity, and has no cosine with another"

  private def isOfDirection(length: Double): Boolean = length > 0 && length < Double.PositiveInfinity
}
