package sparkvision.engine

import java.nio.FloatBuffer

/** Pixels to the model's input, as Hugging Face's slow (Pillow) image processor computes it, bit for bit.
  *
  * A sample has 256 values, so what rescaling and normalising make of each is computed once, in transformers' own precision:
  * the product in 64-bit floats rounded to 32, then difference and quotient in 32.
  *
  * Immutable, and safe to share between threads.
  */
final class Preprocessor(val config: ProcessorConfig) {

  private val tables: Array[Array[Float]] = Array.tabulate(3)(channel => Array.tabulate(256)(inputValue(channel, _)))

  private def inputValue(channel: Int, sample: Int): Float = {
    val rescaled = if (config.doRescale) (sample.toDouble * config.rescaleFactor).toFloat else sample.toFloat
    if (config.doNormalize) (rescaled - config.imageMean(channel).toFloat) / config.imageStd(channel).toFloat
    else rescaled
  }

  /** Height in pixels of the input that [[process]] writes. */
  def height: Int = config.height

  /** Width in pixels of the input that [[process]] writes. */
  def width: Int = config.width

  /** The picture at the model's size, still 8-bit RGB.
    *
    * @throws ImageException
    *   when `doResize` is false and the picture has another size
    */
  def resized(pixels: Pixels): Pixels = {
    if (!config.doResize && (pixels.width != width || pixels.height != height))
      throw new ImageException(
        s"the picture has ${pixels.height} x ${pixels.width} pixels (height x width), the model takes $height x $width, and " +
          "do_resize is false; set doResize to true, or resize the pictures beforehand"
      )
    Resample.resize(pixels, width, height, config.resample)
  }

  /** Appends one picture's input values to a batch: all red ones row by row, then green, then blue (CHW).
    *
    * @param pixels
    *   a decoded picture of any size
    * @param target
    *   has room for `3 * height * width` floats after its position, which moves behind them
    * @throws ImageException
    *   when `doResize` is false and the picture has another size than the model takes; nothing is written then
    * @throws ParameterException
    *   when the room is too small
    * @example
    *   {{{
    *   val batch = java.nio.FloatBuffer.allocate(pictures.size * 3 * preprocessor.height * preprocessor.width)
    *   pictures.foreach(preprocessor.process(_, batch))
    *   }}}
    */
  def process(pixels: Pixels, target: FloatBuffer): Unit = {
    val input = resized(pixels)
    val planeLength = width * height
    if (target.remaining < planeLength * 3)
      throw new ParameterException(
        s"a picture of $height x $width needs ${planeLength * 3} floats, but the batch has room for ${target.remaining} more"
      )
    val values = new Array[Float](planeLength)
    var channel = 0
    while (channel < 3) {
      fill(values, input.rgb, channel)
      val _ = target.put(values)
      channel += 1
    }
  }

  private def fill(values: Array[Float], rgb: Array[Byte], channel: Int): Unit = {
    val table = tables(channel)
    var pixel = 0
    while (pixel < values.length) {
      values(pixel) = table(rgb(pixel * 3 + channel) & 0xff)
      pixel += 1
    }
  }
}
