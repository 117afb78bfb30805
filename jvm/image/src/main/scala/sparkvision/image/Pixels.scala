package sparkvision.image

import java.nio.{ByteBuffer, ByteOrder}

/** A decoded image: 8-bit RGB, row by row from the top, three bytes a pixel.
  *
  * @param rgb
  *   `height * width * 3` bytes. Not copied: whoever makes a `Pixels` hands the array over.
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

  /** From OpenCV's layout, which Spark's `image` source uses: 1 channel grey, 3 BGR, 4 BGRA (alpha is dropped).
    *
    * @throws ImageException
    *   when the numbers do not fit the bytes, or this process has no memory for the pixels
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

  /** OpenCV's layout of three channels: BGR. */
  def toOpenCv(pixels: Pixels): Array[Byte] = fromOpenCv(pixels.width, pixels.height, 3, pixels.rgb).rgb
}

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
