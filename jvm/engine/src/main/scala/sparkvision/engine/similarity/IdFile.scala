package sparkvision.engine.similarity

import java.nio.channels.FileChannel
import java.nio.channels.FileChannel.MapMode
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Path, StandardOpenOption}
import java.nio.{ByteBuffer, ByteOrder}

import scala.util.Using

/** The names of a shard's pictures, mapped into memory: UTF-8, one after the other, and where each ends as little-endian
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
    val all = new Array[Int](endsAt.remaining)
    endsAt.get(0, all)
    val inOrder = (1 until all.length).forall(row => all(row - 1) <= all(row))
    if (all.length != size || !inOrder || all.exists(end => end < 0 || end > bytes.capacity))
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
