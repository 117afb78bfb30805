package sparkvision.engine

import java.nio.ByteBuffer

/** A picture where the decoder wrote it, outside of the JVM's heap. Not for several threads.
  *
  * @param memory
  *   the rows from its start, without gaps; valid as long as these rows are
  */
final private[engine] class NativeRows(val width: Int, val height: Int, memory: ByteBuffer) extends PixelRows {
  private var block = Array.emptyByteArray

  override private[engine] def rows(first: Int, count: Int): RowBlock = {
    val length = count * width * 3
    if (block.length < length) block = new Array(length)
    memory.get(first * width * 3, block, 0, length)
    RowBlock(block, 0)
  }

  override def toPixels: Pixels = {
    val rgb = new Array[Byte](height * width * 3)
    memory.get(0, rgb)
    new Pixels(width, height, rgb)
  }
}
