package sparkvision.image

import java.nio.{ByteBuffer, ByteOrder}

/** A decoded image: 8-bit RGB, three bytes for each pixel, row by row from the top.
  *
  * @param rgb
  *   `height * width * 3` bytes. The array is not copied and must not change afterwards.
  */
final class Pixels(val width: Int, val height: Int, val rgb: Array[Byte]) extends PixelRows {
  require(width > 0 && height > 0, s"an image has at least one pixel, not $width x $height")
  require(
    rgb.length == width * height * 3,
    s"$width x $height RGB pixels need ${width * height * 3} bytes, not ${rgb.length}"
  )

  override private[sparkvision] val bytes: ByteBuffer = ByteBuffer.wrap(rgb)

  override def toPixels: Pixels = this
}

object Pixels {

  /** Converts from OpenCV's layout, which Spark's `image` source uses: 1 channel is grey, 3 are BGR, 4 are BGRA (alpha is
    * dropped).
    *
    * @throws ImageException
    *   when `data` has another length than the numbers require, or the memory is not sufficient for the pixels
    */
  def fromOpenCv(width: Int, height: Int, channels: Int, data: Array[Byte]): Pixels = {
    if (width <= 0 || height <= 0 || !Seq(1, 3, 4).contains(channels))
      throw new ImageException(s"a decoded image of $width x $height pixels with $channels channels cannot be read")
    if (data == null || data.length != width.toLong * height * channels)
      throw new ImageException(
        s"a decoded image of $width x $height pixels with $channels channels needs ${width.toLong * height * channels} " +
          s"bytes, not ${if (data == null) "null" else data.length.toString}"
      )
    val (green, red) = if (channels == 1) (0, 0) else (1, 2)
    val rgb = ImageMemory.refusing(width, height)(new Array[Byte](width * height * 3))
    var pixel = 0
    while (pixel < width * height) {
      rgb(pixel * 3) = data(pixel * channels + red)
      rgb(pixel * 3 + 1) = data(pixel * channels + green)
      rgb(pixel * 3 + 2) = data(pixel * channels)
      pixel += 1
    }
    new Pixels(width, height, rgb)
  }

  /** Converts to OpenCV's layout of three channels, BGR. */
  def toOpenCv(pixels: Pixels): Array[Byte] = fromOpenCv(pixels.width, pixels.height, 3, pixels.rgb).rgb
}

/** A decoded image in any memory: 8-bit RGB, three bytes for each pixel, row by row from the top.
  *
  * The memory may lie outside of the JVM's heap. An array for a photo of 12 megapixels has 36 MB, which the operating system
  * and the JVM both clear before they are filled.
  */
trait PixelRows {

  /** Width in pixels. */
  def width: Int

  /** Height in pixels. */
  def height: Int

  /** All rows without gaps. Callers use only the absolute methods of the buffer, so that threads can share it. */
  private[sparkvision] def bytes: ByteBuffer

  /** The image in the JVM's heap; `this` if it lies there already. */
  def toPixels: Pixels

  /** Copies pixels of a row to ints of four samples each, the first sample in the lowest byte.
    *
    * @param at
    *   the index of the first int that is written
    */
  private[sparkvision] final def pack(row: Int, firstPixel: Int, pixels: Int, packed: Array[Int], at: Int): Unit = {
    val (start, whole) = ((row * width + firstPixel) * 3, pixels * 3 / 4)
    bytes.slice(start, whole * 4).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer.get(packed, at, whole)
    val rest = (whole * 4 until pixels * 3).map(sample => (bytes.get(start + sample) & 0xff) << (sample % 4 * 8))
    if (rest.nonEmpty) packed(at + whole) = rest.sum
  }
}

private[sparkvision] object PixelRows {

  /** The number of ints that this number of pixels takes. */
  def packedLength(pixels: Int): Int = (pixels * 3 + 3) / 4
}
