package sparkvision.engine.similarity

import java.nio.file.Path

import sparkvision.engine.session.ExecutorRuntime
import sparkvision.image.{NamedValue, NamedValues, SparkVisionException}

/** The cost that a search may have.
  *
  * @param ef
  *   candidates that a graph search keeps (efSearch of HNSW)
  * @param threads
  *   threads of one exact search
  */
final private[sparkvision] case class SearchSettings(ef: Int, threads: Int)

/** An open index on this machine. Any number of threads may search it. */
private[sparkvision] trait SimilarityIndex extends AutoCloseable {

  /** @param queries
    *   unit vectors with the dimension of the index; an exact search is cheaper per query with many queries
    * @param count
    *   neighbours of each query, at most
    * @return
    *   the neighbours of each query, the best first
    */
  def search(queries: IndexedSeq[Array[Float]], count: Int, settings: SearchSettings): IndexedSeq[Seq[Neighbour]]
}

private[sparkvision] object SimilarityIndex {

  /** @param folder
    *   contains the complete files that the method reads ([[IndexManifest.filesOf]])
    * @throws SimilarityIndexException
    *   when the files do not agree with the manifest
    */
  def open(
      folder: Path,
      manifest: IndexManifest,
      method: SearchMethod,
      runtime: ExecutorRuntime
  ): SimilarityIndex = method match {
    case SearchMethod.Exact => new ExactSearch(folder, manifest, DotProductSessions.of(runtime))
    case SearchMethod.Approximate => new ApproximateSearch(folder, manifest)
  }

  def damaged(file: Any, problem: String): SimilarityIndexException = new SimilarityIndexException(
    s"The similarity index is damaged: $file $problem. Build the index again with SimilarImages.build."
  )
}

/** How a search finds the most similar vectors. */
sealed abstract class SearchMethod(val name: String) extends NamedValue

object SearchMethod extends NamedValues[SearchMethod]("method") {

  /** Compares the query with every vector. */
  case object Exact extends SearchMethod("exact")

  /** Searches a graph of neighbours (HNSW, Malkov and Yashunin, arXiv:1603.09320), and reads only few of the vectors. */
  case object Approximate extends SearchMethod("approximate")

  override val all: Seq[SearchMethod] = Seq(Exact, Approximate)
}

/** An image of the index, and the cosine of the angle between its vector and the query: 1 for the same direction. */
final case class Neighbour(id: String, score: Float)

object Neighbour {

  /** The most similar first, and equally similar ones in the order of their ids, so that results do not depend on how the
    * index was split.
    */
  implicit val bestFirst: Ordering[Neighbour] =
    Ordering.by[Neighbour, Float](-_.score)(Ordering.Float.TotalOrdering).orElseBy(_.id)
}

/** A folder is no similarity index, or the index is damaged or does not support the requested search. */
final class SimilarityIndexException(message: String, cause: Throwable = null)
    extends SparkVisionException(message, cause)
