package sparkvision.engine.similarity

import java.nio.FloatBuffer
import java.nio.file.Path

import org.apache.lucene.index.{DirectoryReader, LeafReader}
import org.apache.lucene.store.{MMapDirectory, NoLockFactory}

/** A shard's graph of neighbours, mapped into memory. Any number of threads may search it at once.
  *
  * @param size
  *   vectors in it
  */
final private[similarity] class HnswGraph(folder: Path, size: Int) extends AutoCloseable {
  private val directory = new MMapDirectory(folder, NoLockFactory.INSTANCE)
  private val reader = DirectoryReader.open(directory)
  // One segment, as HnswWriter leaves it: a document's number is its row.
  private val graph: LeafReader = reader.leaves.get(0).reader

  if (graph.maxDoc != size) {
    close()
    throw SimilarityIndex.damaged(folder, s"holds ${graph.maxDoc} vectors, and not $size")
  }

  /** Rows that are about the most similar to a unit vector, and their cosines, in the order of the rows.
    *
    * @param ef
    *   candidates that the walk keeps, at least `count`: more find more of the true neighbours, and take longer
    */
  def search(query: Array[Float], count: Int, ef: Int): Seq[(Int, Float)] = {
    val found = graph.searchNearestVectors(HnswWriter.Field, query, ef, null, Int.MaxValue).scoreDocs.take(count)
    val vectors = graph.getFloatVectorValues(HnswWriter.Field)
    // Lucene's own scores are in float32, and rounded otherwise than an exact search's.
    found.toSeq.map(_.doc).sorted.map { row =>
      val _ = vectors.advance(row)
      row -> UnitVector.cosine(query, FloatBuffer.wrap(vectors.vectorValue), 0)
    }
  }

  override def close(): Unit = {
    reader.close()
    directory.close()
  }
}
