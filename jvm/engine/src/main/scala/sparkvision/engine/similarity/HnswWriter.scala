package sparkvision.engine.similarity

import java.nio.file.Path

import org.apache.lucene.codecs.lucene912.Lucene912Codec
import org.apache.lucene.codecs.lucene99.Lucene99HnswVectorsFormat
import org.apache.lucene.codecs.{KnnVectorsFormat, KnnVectorsReader, KnnVectorsWriter}
import org.apache.lucene.document.{Document, KnnFloatVectorField}
import org.apache.lucene.index._
import org.apache.lucene.store.{FSDirectory, NoLockFactory}

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
