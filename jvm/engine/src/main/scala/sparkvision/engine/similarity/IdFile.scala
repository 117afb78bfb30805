package sparkvision.engine.similarity

import java.nio.channels.FileChannel
import java.nio.channels.FileChannel.MapMode
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Path, StandardOpenOption}
import java.nio.{ByteBuffer, ByteOrder}

import scala.util.Using

/** The names of a shard's images, mapped into memory: UTF-8, one after the other, and where each ends as little-endian
  * int32.
  *
  * @param size
  *   how many there are
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
    // From the text's start, by each id's end, to the text's end.
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
