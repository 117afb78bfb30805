package sparkvision.ml.dedup

/** What makes two images duplicates. Compared by value, as plans are.
  *
  * @param maxHashDistance
  *   bits in which hashes may differ; None: hashes are not compared
  * @param embeddings
  *   None: embeddings are not compared
  * @param needsBoth
  *   whether images must be similar by hash and by embedding, where both are compared
  */
final private[ml] case class DuplicateSettings(
    maxHashDistance: Option[Int],
    embeddings: Option[EmbeddingSettings],
    needsBoth: Boolean
)

/** @param indexPath
  *   where the index of the embeddings is
  * @param method
  *   how it is searched
  * @param topK
  *   how many of the most similar images are looked at for each
  * @param minSimilarity
  *   the lowest cosine of duplicates
  */
final private[ml] case class EmbeddingSettings(indexPath: String, method: String, topK: Int, minSimilarity: Double)
