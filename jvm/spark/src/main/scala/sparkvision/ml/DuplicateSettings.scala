package sparkvision.ml

/** What makes two pictures duplicates. Compared by value, as plans are.
  *
  * @param maxHashDistance
  *   bits in which hashes may differ; None: hashes are not compared
  * @param embeddings
  *   None: embeddings are not compared
  * @param needsBoth
  *   whether pictures must be similar by hash and by embedding, where both are compared
  */
final private[ml] case class DuplicateSettings(
    maxHashDistance: Option[Int],
    embeddings: Option[EmbeddingSettings],
    needsBoth: Boolean
)

/** @param minSimilarity
  *   the lowest cosine of duplicates
  * @param neighbours
  *   how many of the most similar embeddings are looked at for each
  */
final private[ml] case class EmbeddingSettings(indexPath: String, minSimilarity: Double, neighbours: Int)
