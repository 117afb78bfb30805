package sparkvision.engine.similarity

import java.nio.FloatBuffer
import java.nio.file.Path
import org.apache.lucene.index.{DirectoryReader, LeafReader}
import org.apache.lucene.store.MMapDirectory
import org.apache.lucene.codecs.lucene912.Lucene912Codec
import org.apache.lucene.codecs.lucene99.Lucene99HnswVectorsFormat
import org.apache.lucene.codecs.{KnnVectorsFormat, KnnVectorsReader, KnnVectorsWriter}
import org.apache.lucene.document.{Document, KnnFloatVectorField}
import org.apache.lucene.index._
import org.apache.lucene.store.{FSDirectory, NoLockFactory}
import sparkvision.image.ParameterException

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

/** Builds the graph of neighbours of one shard, as a Lucene index of one segment: a document a vector, in order.
  *
  * @param memory
  *   megabytes of heap that vectors and graph may take before they are written; what is written in parts is merged, which
  *   costs as much again
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

  /** Without [[finish]] nothing is kept. */
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
    // It merges neighbours alone. Lucene's default merges by size, and a document's number would not be its row any more.
    .setMergePolicy(new LogDocMergePolicy)
    // In the task's own thread: Spark has counted one.
    .setMergeScheduler(new SerialMergeScheduler)
}

private[similarity] object HnswWriter {
  val Field = "vector"

  /** Megabytes: Lucene writes a part when it passes the one limit, and before it passes the other. */
  private val Slack = 64
}

/** Lucene's own format, which readers find by its name, for vectors longer than the 1,024 numbers that it allows. */
final private class HnswFormat(settings: HnswSettings) extends KnnVectorsFormat(HnswFormat.Name) {
  private val lucene = new Lucene99HnswVectorsFormat(settings.m, settings.efConstruction)

  override def fieldsWriter(state: SegmentWriteState): KnnVectorsWriter = lucene.fieldsWriter(state)
  override def fieldsReader(state: SegmentReadState): KnnVectorsReader = lucene.fieldsReader(state)
  override def getMaxDimensions(field: String): Int = Int.MaxValue
}

private object HnswFormat {
  val Name: String = (new Lucene99HnswVectorsFormat).getName
}

/** How a graph of neighbours is built, by HNSW's own names.
  *
  * @param m
  *   neighbours that a vector is linked to, on the upper levels of the graph; twice as many on the lowest
  * @param efConstruction
  *   candidates that are looked at to choose them from
  */
final case class HnswSettings(m: Int, efConstruction: Int) {
  require("m", m, HnswSettings.LargestM)
  require("efConstruction", efConstruction, HnswSettings.LargestEfConstruction)

  private def require(name: String, value: Int, most: Int): Unit =
    if (value < 1 || value > most) throw new ParameterException(s"$name is from 1 to $most, not $value.")
}

object HnswSettings {

  /** Lucene's own defaults. */
  val DefaultM = 16
  val DefaultEfConstruction = 100

  // The bounds of Lucene99HnswVectorsFormat.
  private val LargestM = 512
  private val LargestEfConstruction = 3200
}
