package sparkvision.engine.similarity

import java.io.BufferedOutputStream
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path}
import java.nio.{ByteBuffer, ByteOrder}

import scala.util.Using

/** Writes one shard of an index: a folder of plain files that [[IndexManifest]] lists.
  *
  * @param graph
  *   how to build a graph of neighbours; None for no graph
  * @param memory
  *   megabytes of heap that the graph may take
  */
final private[sparkvision] class ShardWriter(folder: Path, dimension: Int, graph: Option[HnswSettings], memory: Int) {
  import ShardWriter._

  /** @param vectors
    *   ids and unit vectors, read once
    * @return
    *   number of vectors
    */
  def write(vectors: Iterator[(String, Array[Float])]): Int = Using.Manager { use =>
    def open(name: String) = use(new BufferedOutputStream(Files.newOutputStream(folder.resolve(name)), 1 << 16))
    val (numbers, text, ends) = (open(Vectors), open(Ids), open(IdEnds))
    val row = ByteBuffer.allocate(dimension * java.lang.Float.BYTES).order(ByteOrder.LITTLE_ENDIAN)
    val end = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN)
    val neighbours = graph.map(settings => use(new HnswWriter(folder.resolve(Graph), settings, memory)))
    var count = 0
    var idBytes = 0
    vectors.foreach { case (id, vector) =>
      row.asFloatBuffer.put(vector)
      numbers.write(row.array)
      val name = id.getBytes(UTF_8)
      if (name.length > Int.MaxValue - idBytes) throw tooLarge(folder)
      idBytes += name.length
      text.write(name)
      ends.write(end.putInt(0, idBytes).array)
      neighbours.foreach(_.add(vector))
      count += 1
    }
    neighbours.foreach(_.finish())
    count
  }.get
}

private[sparkvision] object ShardWriter {
  val Vectors = "vectors.f32"
  val Ids = "ids.utf8"
  val IdEnds = "ids.ends.i32"

  /** A Lucene index. */
  val Graph = "hnsw"

  private def tooLarge(folder: Path) = new SimilarityIndexException(
    s"The ids of the shard $folder have more than ${Int.MaxValue} bytes in total: build the index with more shards."
  )
}
