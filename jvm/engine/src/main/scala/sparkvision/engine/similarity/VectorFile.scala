package sparkvision.engine.similarity

import java.nio.channels.FileChannel
import java.nio.channels.FileChannel.MapMode
import java.nio.file.{Path, StandardOpenOption}
import java.nio.{ByteOrder, FloatBuffer}

import scala.util.Using

/** A shard's unit vectors, one after the other as little-endian float32, mapped into memory.
  *
  * @param size
  *   how many there are
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

  /** All vectors in blocks of at most `rows`: the first one's place, and the numbers of the block. */
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
