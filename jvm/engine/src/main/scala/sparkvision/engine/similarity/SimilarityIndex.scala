package sparkvision.engine.similarity

import java.nio.file.Path
import sparkvision.image.ParameterException
import sparkvision.image.SparkVisionException

/** What a search may cost.
  *
  * @param ef
  *   candidates that a walk through a graph keeps (HNSW's efSearch)
  * @param threads
  *   threads of one exact search
  */
final private[sparkvision] case class SearchSettings(ef: Int, threads: Int)

/** An index on this machine, ready to be searched by any number of threads. */
private[sparkvision] trait SimilarityIndex extends AutoCloseable {

  /** @param queries
    *   unit vectors of the index's dimension; an exact search of many at once costs each less
    * @param count
    *   how many neighbours each gets, at most
    * @return
    *   each query's neighbours, the best first
    */
  def search(queries: IndexedSeq[Array[Float]], count: Int, settings: SearchSettings): IndexedSeq[Seq[Neighbour]]
}

private[sparkvision] object SimilarityIndex {

  /** @param folder
    *   holds the files that the method reads ([[IndexManifest.filesOf]]), whole
    * @throws SimilarityIndexException
    *   when they do not hold what the manifest says
    */
  def open(folder: Path, manifest: IndexManifest, method: SearchMethod): SimilarityIndex = method match {
    case SearchMethod.Exact => new ExactSearch(folder, manifest)
    case SearchMethod.Approximate => new ApproximateSearch(folder, manifest)
  }

  def damaged(file: Any, problem: String): SimilarityIndexException = new SimilarityIndexException(
    s"The similarity index is damaged: $file $problem. Build the index again with SimilarImages.build."
  )
}

/** How the most similar vectors are found. */
sealed abstract class SearchMethod(val name: String) {
  override def toString: String = name
}

object SearchMethod {

  /** The query is compared with every vector. */
  case object Exact extends SearchMethod("exact")

  /** A walk through a graph of neighbours (HNSW, Malkov and Yashunin, arXiv:1603.09320) meets few of the vectors. */
  case object Approximate extends SearchMethod("approximate")

  val all: Seq[SearchMethod] = Seq(Exact, Approximate)

  /** @throws ParameterException
    *   for a name that is none of [[all]]
    */
  def parse(name: String): SearchMethod = all.find(_.name == name).getOrElse {
    throw new ParameterException(s"method is one of ${all.mkString(", ")}, not '$name'.")
  }
}

/** An image of the index, and the cosine of the angle between its vector and the query's: 1 for the same direction. */
final case class Neighbour(id: String, score: Float)

object Neighbour {

  /** The most similar first; of equally similar ones in the order of their ids, so that answers do not depend on how the
    * index was split.
    */
  implicit val bestFirst: Ordering[Neighbour] =
    Ordering.by[Neighbour, Float](-_.score)(Ordering.Float.TotalOrdering).orElseBy(_.id)
}

/** A similarity index that is missing or damaged, or that cannot answer the question that it is asked. */
final class SimilarityIndexException(message: String, cause: Throwable = null)
    extends SparkVisionException(message, cause)
