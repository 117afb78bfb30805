package sparkvision.image.codec

import java.nio.ByteBuffer

import sparkvision.image.{PixelRows, Pixels}

/** An image where the decoder wrote it, outside of the JVM's heap.
  *
  * @param bytes
  *   valid as long as these rows are
  */
final private[sparkvision] class NativeRows(val width: Int, val height: Int, val bytes: ByteBuffer) extends PixelRows {

  override def toPixels: Pixels = {
    val rgb = new Array[Byte](height * width * 3)
    bytes.get(0, rgb)
    new Pixels(width, height, rgb)
  }
}
