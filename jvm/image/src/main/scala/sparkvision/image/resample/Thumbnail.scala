package sparkvision.image.resample

import sparkvision.image.codec.JpegEncoder
import sparkvision.image.{ParameterException, Pixels}

/** Small versions of images, which pages show. */
object Thumbnail {
  private val Quality = 80

  /** A JPEG file of the whole image.
    *
    * @param side
    *   the longer side in pixels; a smaller image is not enlarged
    * @throws ParameterException
    *   when `side` is not positive
    * @example
    *   {{{Thumbnail.jpeg(ImageDecoder.decode(bytes), side = 128)}}}
    */
  def jpeg(pixels: Pixels, side: Int): Array[Byte] = {
    if (side <= 0) throw new ParameterException(s"a thumbnail's side is $side pixels; give at least 1")
    val shrink = math.min(1.0, side.toDouble / math.max(pixels.width, pixels.height))
    def scaled(length: Int): Int = math.max(1, math.round(length * shrink).toInt)
    val small = Resample.resize(pixels, scaled(pixels.width), scaled(pixels.height), ResampleFilter.Box)
    JpegEncoder.encode(small, Quality)
  }
}
