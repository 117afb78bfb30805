package sparkvision.engine

/** CLIP's logits: the cosines between a picture's embedding and those of texts, scaled.
  *
  * @param texts
  *   an embedding a text, of any length
  * @param scale
  *   what the cosines are multiplied by
  */
final private[engine] class EmbeddingComparison(texts: IndexedSeq[Array[Float]], scale: Double) {
  private val lengths = texts.map(EmbeddingsPostprocessor.length)

  def logits(picture: Array[Float]): Array[Float] = {
    val length = EmbeddingsPostprocessor.length(picture)
    texts.indices.map { text =>
      // Loops, because Scala's collections box every number.
      var product = 0.0
      for (i <- picture.indices) product += picture(i).toDouble * texts(text)(i)
      (scale * product / (length * lengths(text))).toFloat
    }.toArray
  }
}
