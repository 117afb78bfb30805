package sparkvision.engine.similarity

import java.nio.channels.FileChannel
import java.nio.channels.FileChannel.MapMode
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Path, StandardOpenOption}
import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import scala.util.Using

/** The unit vectors of a shard, one after the other as little-endian float32, mapped into memory.
  *
  * @param size
  *   number of vectors
  */
final private[similarity] class VectorFile(file: Path, val dimension: Int, val size: Int) {
  import VectorFile._

  private val rowsAMap = math.max(1, LargestMap / (dimension * java.lang.Float.BYTES))

  private val maps: IndexedSeq[FloatBuffer] = Using.resource(FileChannel.open(file, StandardOpenOption.READ)) {
    channel =>
      val rowBytes = dimension.toLong * java.lang.Float.BYTES
      if (channel.size != size * rowBytes)
        throw SimilarityIndex.damaged(
          file,
          s"has ${channel.size} bytes, which are not $size vectors of $dimension numbers"
        )
      (0 until size by rowsAMap).map { first =>
        val rows = math.min(rowsAMap, size - first)
        channel.map(MapMode.READ_ONLY, first * rowBytes, rows * rowBytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer
      }
  }

  /** All vectors in blocks of at most `rows`: the row of the first vector, and the numbers of the block. */
  def blocks(rows: Int): Iterator[(Int, FloatBuffer)] = for {
    (map, number) <- maps.iterator.zipWithIndex
    rowsHere = map.capacity / dimension
    first <- Iterator.range(0, rowsHere, rows)
  } yield {
    val count = math.min(rows, rowsHere - first)
    (number * rowsAMap + first, map.slice(first * dimension, count * dimension))
  }

  def cosine(row: Int, query: Array[Float]): Float =
    UnitVector.cosine(query, maps(row / rowsAMap), row % rowsAMap * dimension)
}

private[similarity] object VectorFile {

  /** Bytes: a Java buffer has at most 2^31 - 1. */
  private val LargestMap = 1 << 30
}

/** The ids of the images of a shard, mapped into memory: one file has the ids in UTF-8, one after the other, and the other
  * file has the end of each id as little-endian int32.
  *
  * @param size
  *   number of ids
  */
final private[similarity] class IdFile(text: Path, ends: Path, size: Int) {
  private val bytes = map(text)
  private val endsAt = map(ends).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer

  requireEnds()

  def apply(row: Int): String = {
    val start = if (row == 0) 0 else endsAt.get(row - 1)
    val id = new Array[Byte](endsAt.get(row) - start)
    bytes.get(start, id)
    new String(id, UTF_8)
  }

  private def requireEnds(): Unit = {
    // From the start of the text, through the end of each id, to the end of the text.
    val places = new Array[Int](endsAt.capacity + 2)
    endsAt.get(0, places, 1, endsAt.capacity)
    places(places.length - 1) = bytes.capacity
    if (endsAt.capacity != size || (1 until places.length).exists(i => places(i) < places(i - 1)))
      throw SimilarityIndex.damaged(ends, s"does not say where $size ids end in ${bytes.capacity} bytes of $text")
  }

  private def map(file: Path): ByteBuffer = Using.resource(FileChannel.open(file, StandardOpenOption.READ)) { channel =>
    channel.map(MapMode.READ_ONLY, 0, channel.size)
  }
}

private[similarity] object IdFile {
  def of(index: Path, shard: IndexShard): IdFile = {
    val folder = index.resolve(shard.folder)
    new IdFile(folder.resolve(ShardWriter.Ids), folder.resolve(ShardWriter.IdEnds), shard.vectors)
  }
}
