package sparkvision.image

import java.nio.{ByteBuffer, ByteOrder}

/** A decoded image, wherever it lies: 8-bit RGB, three bytes a pixel, row by row from the top.
  *
  * It need not lie in the JVM's heap. An array for a photo of 12 megapixels has 36 MB, which the operating system and the
  * JVM both clear before they are filled.
  */
trait PixelRows {

  /** Pixels in a row. */
  def width: Int

  /** Rows. */
  def height: Int

  /** The rows one after the other, without gaps. Only its absolute methods may be used. */
  private[sparkvision] def bytes: ByteBuffer

  /** All of them in an array of their own. */
  def toPixels: Pixels

  /** Copies pixels of a row, four samples to an int, the first in its lowest byte.
    *
    * @param at
    *   the first int that is written
    */
  private[sparkvision] final def pack(row: Int, firstPixel: Int, pixels: Int, packed: Array[Int], at: Int): Unit = {
    val (start, whole) = ((row * width + firstPixel) * 3, pixels * 3 / 4)
    bytes.slice(start, whole * 4).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer.get(packed, at, whole)
    val rest = (whole * 4 until pixels * 3).map(sample => (bytes.get(start + sample) & 0xff) << (sample % 4 * 8))
    if (rest.nonEmpty) packed(at + whole) = rest.sum
  }
}

private[sparkvision] object PixelRows {

  /** Ints that hold so many pixels. */
  def packedLength(pixels: Int): Int = (pixels * 3 + 3) / 4
}
