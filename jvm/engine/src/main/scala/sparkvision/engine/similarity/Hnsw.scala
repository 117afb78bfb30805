package sparkvision.engine.similarity

import java.nio.FloatBuffer
import java.nio.file.Path

import org.apache.lucene.codecs.lucene912.Lucene912Codec
import org.apache.lucene.codecs.lucene99.Lucene99HnswVectorsFormat
import org.apache.lucene.codecs.{KnnVectorsFormat, KnnVectorsReader, KnnVectorsWriter}
import org.apache.lucene.document.{Document, KnnFloatVectorField}
import org.apache.lucene.index.{DirectoryReader, LeafReader, _}
import org.apache.lucene.store.{FSDirectory, MMapDirectory, NoLockFactory}

import sparkvision.image.ParameterException

/** The graph of neighbours of a shard, mapped into memory. Any number of threads may search it at once.
  *
  * @param size
  *   vectors in the graph
  */
final private[similarity] class HnswGraph(folder: Path, size: Int) extends AutoCloseable {
  private val directory = new MMapDirectory(folder, NoLockFactory.INSTANCE)
  private val reader = DirectoryReader.open(directory)
  // HnswWriter writes one segment, in which the number of a document is its row.
  private val graph: LeafReader = reader.leaves.get(0).reader

  if (graph.maxDoc != size) {
    close()
    throw SimilarityIndex.damaged(folder, s"has ${graph.maxDoc} vectors, and not $size")
  }

  /** The approximately most similar rows to a unit vector, and their cosines, in the order of the rows.
    *
    * @param ef
    *   candidates that the search keeps, at least `count`: more candidates find more of the true neighbours, and take longer
    */
  def search(query: Array[Float], count: Int, ef: Int): Seq[(Int, Float)] = {
    val found = graph.searchNearestVectors(HnswWriter.Field, query, ef, null, Int.MaxValue).scoreDocs.take(count)
    val vectors = graph.getFloatVectorValues(HnswWriter.Field)
    // Lucene's own scores are in float32, and their rounding differs from an exact search.
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

/** Builds the graph of neighbours of one shard, as a Lucene index of one segment with a document for each vector, in order.
  *
  * @param memory
  *   megabytes of heap that vectors and graph may take before they are written. Parts are merged at the end, which takes as
  *   long again.
  */
final private[similarity] class HnswWriter(folder: Path, settings: HnswSettings, memory: Int) extends AutoCloseable {
  private val directory = FSDirectory.open(folder, NoLockFactory.INSTANCE)
  private val writer = new IndexWriter(directory, configuration)

  def add(vector: Array[Float]): Unit = {
    val document = new Document
    document.add(new KnnFloatVectorField(HnswWriter.Field, vector, VectorSimilarityFunction.DOT_PRODUCT))
    val _ = writer.addDocument(document)
  }

  def finish(): Unit = {
    writer.forceMerge(1)
    val _ = writer.commit()
  }

  /** Discards the graph unless [[finish]] was called. */
  override def close(): Unit = {
    writer.rollback()
    directory.close()
  }

  private def configuration = new IndexWriterConfig()
    .setCodec(new Lucene912Codec {
      override def getKnnVectorsFormatForField(field: String): KnnVectorsFormat = new HnswFormat(settings)
    })
    .setRAMBufferSizeMB(memory.toDouble)
    .setRAMPerThreadHardLimitMB(memory + HnswWriter.Slack)
    // This policy merges adjacent segments only. Lucene's default merges by size, after which the number of a document would
    // not be its row.
    .setMergePolicy(new LogDocMergePolicy)
    // Merges in the thread of the task, because Spark has assigned one core to it.
    .setMergeScheduler(new SerialMergeScheduler)
}

private[similarity] object HnswWriter {
  val Field = "vector"

  /** Megabytes between Lucene's two limits: it writes a part after it has passed the first, and before it passes the second. */
  private val Slack = 64
}

/** Lucene's own format, which readers find by its name, for vectors with more than the 1,024 numbers that Lucene allows. */
final private class HnswFormat(settings: HnswSettings) extends KnnVectorsFormat(HnswFormat.Name) {
  private val lucene = new Lucene99HnswVectorsFormat(settings.m, settings.efConstruction)

  override def fieldsWriter(state: SegmentWriteState): KnnVectorsWriter = lucene.fieldsWriter(state)
  override def fieldsReader(state: SegmentReadState): KnnVectorsReader = lucene.fieldsReader(state)
  override def getMaxDimensions(field: String): Int = Int.MaxValue
}

private object HnswFormat {
  val Name: String = (new Lucene99HnswVectorsFormat).getName
}

/** How a graph of neighbours is built. The names are those of HNSW.
  *
  * @param m
  *   neighbours to which a vector is linked on the upper levels of the graph; twice as many on the lowest level
  * @param efConstruction
  *   candidates from which these neighbours are chosen
  */
final case class HnswSettings(m: Int, efConstruction: Int) {
  require("m", m, HnswSettings.LargestM)
  require("efConstruction", efConstruction, HnswSettings.LargestEfConstruction)

  private def require(name: String, value: Int, most: Int): Unit =
    if (value < 1 || value > most) throw new ParameterException(s"$name must be from 1 to $most, not $value.")
}

object HnswSettings {

  /** Lucene's own defaults. */
  val DefaultM = 16
  val DefaultEfConstruction = 100

  // The bounds of Lucene99HnswVectorsFormat.
  private val LargestM = 512
  private val LargestEfConstruction = 3200
}
