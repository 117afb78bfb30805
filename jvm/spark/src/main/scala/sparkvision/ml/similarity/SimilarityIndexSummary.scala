package sparkvision.ml.similarity

import scala.jdk.CollectionConverters._

/** What was built.
  *
  * @param indexPath
  *   with its scheme
  * @param dimension
  *   of the vectors
  * @param vectors
  *   how many the index holds
  * @param leftOut
  *   how many rows it does not hold, by the reason
  */
final case class SimilarityIndexSummary(indexPath: String, dimension: Int, vectors: Long, leftOut: Map[String, Long]) {

  /** [[leftOut]] for Java and Python. */
  def leftOutAsJava: java.util.Map[String, Long] = leftOut.asJava
}
