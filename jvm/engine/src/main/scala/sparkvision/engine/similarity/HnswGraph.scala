package sparkvision.engine.similarity

import java.nio.file.Path

import org.apache.lucene.index.{DirectoryReader, LeafReader}
import org.apache.lucene.store.{MMapDirectory, NoLockFactory}

/** A shard's graph of neighbours, mapped into memory. Any number of threads may search it at once. */
final private[similarity] class HnswGraph(folder: Path) extends AutoCloseable {
  private val directory = new MMapDirectory(folder, NoLockFactory.INSTANCE)
  private val reader = DirectoryReader.open(directory)
  // One segment, as HnswWriter leaves it: a document's number is its row.
  private val graph: LeafReader = reader.leaves.get(0).reader

  /** Rows that are about the most similar to a unit vector, and their cosines, the best first.
    *
    * @param ef
    *   candidates that the walk keeps, at least `count`: more find more of the true neighbours, and take longer
    */
  def search(query: Array[Float], count: Int, ef: Int): Seq[(Int, Float)] =
    graph
      .searchNearestVectors(HnswWriter.Field, query, ef, null, Int.MaxValue)
      .scoreDocs
      .toSeq
      .take(count)
      // Lucene's scores are never negative: (1 + cosine) / 2.
      .map(found => (found.doc, 2 * found.score - 1))

  override def close(): Unit = {
    reader.close()
    directory.close()
  }
}
