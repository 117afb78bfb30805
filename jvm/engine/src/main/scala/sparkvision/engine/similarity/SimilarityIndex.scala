package sparkvision.engine.similarity

import java.nio.file.Path

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
