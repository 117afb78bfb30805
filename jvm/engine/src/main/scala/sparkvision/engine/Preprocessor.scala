package sparkvision.engine

import java.nio.FloatBuffer

/** Pixels to the model's input: resized, cropped, rescaled and normalised as Hugging Face's slow (Pillow) image processor
  * does it, bit for bit.
  *
  * A sample has 256 values, so what rescaling and normalising make of each is computed once, in transformers' own
  * precision: the product in 64-bit floats rounded to 32, then difference and quotient in 32.
  *
  * Immutable, and safe to share between threads.
  *
  * @param layout
  *   the order of the values in the model's input
  * @throws ProcessorException
  *   when the size of the model's input would depend on the picture
  */
final class Preprocessor(val config: ProcessorConfig, layout: ChannelLayout = ChannelLayout.ChannelsFirst) {

  private val size: PixelSize = config.outputSize.getOrElse(
    throw new ProcessorException(
      s"pictures are resized by ${config.resize} and not cropped, so that each would have another size, and the model " +
        "takes one: set doCenterCrop and cropSize, or height and width"
    )
  )

  private val tables: Array[Array[Float]] = Array.tabulate(3)(channel => Array.tabulate(256)(inputValue(channel, _)))

  private def inputValue(channel: Int, sample: Int): Float = {
    val std = config.imageStd(channel).toFloat
    val scaled = if (config.doRescale) (sample.toDouble * config.rescaleFactor).toFloat else sample.toFloat
    val rescaled = if (config.doRescale && config.rescaleOffset) scaled - 1f else scaled
    val normalized = if (config.doNormalize) (rescaled - config.imageMean(channel).toFloat) / std else rescaled
    if (config.includeTop) normalized / std else normalized
  }

  /** Height in pixels of the input that [[process]] writes. */
  def height: Int = size.height

  /** Width in pixels of the input that [[process]] writes. */
  def width: Int = size.width

  /** The size that a picture of this size is resized to, before any crop.
    *
    * @throws ImageException
    *   when a side would have more pixels than 32 bits count
    */
  def target(picture: PixelSize): PixelSize = if (config.doResize) config.resize.target(picture) else picture

  /** The picture at the model's size, still 8-bit RGB.
    *
    * @throws ImageException
    *   when pictures are neither resized nor cropped and this one has another size
    */
  def resized(pixels: PixelRows): Pixels = {
    val picture = PixelSize(pixels.height, pixels.width)
    val target = this.target(picture)
    if (config.crop.isEmpty && target != size)
      throw new ImageException(
        s"the picture has $picture pixels (height x width), the model takes $size, and do_resize is false; set doResize " +
          "to true, or resize the pictures beforehand"
      )
    // Only what the crop keeps is worth computing.
    val crop = CenterCrop(target, size)
    crop.place(Resample.resize(pixels, target, config.resample, crop.window, config.resizeBackend))
  }

  /** Appends one picture's input values to a batch, in the order that the layout says.
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
  def process(pixels: PixelRows, target: FloatBuffer): Unit = {
    val input = resized(pixels)
    val length = width * height * 3
    if (target.remaining < length)
      throw new ParameterException(
        s"a picture of $height x $width needs $length floats, but the batch has room for " +
          s"${target.remaining}; make the batch larger"
      )
    val channels = if (config.doFlipChannelOrder) Array(2, 1, 0) else Array(0, 1, 2)
    layout match {
      case ChannelLayout.ChannelsFirst => channels.foreach(channel => putPlane(input.rgb, channel, target))
      case ChannelLayout.ChannelsLast => putPixels(input.rgb, channels, target)
    }
  }

  private def putPlane(rgb: Array[Byte], channel: Int, target: FloatBuffer): Unit = {
    val values = new Array[Float](width * height)
    val table = tables(channel)
    var pixel = 0
    while (pixel < values.length) {
      values(pixel) = table(rgb(pixel * 3 + channel) & 0xff)
      pixel += 1
    }
    val _ = target.put(values)
  }

  private def putPixels(rgb: Array[Byte], channels: Array[Int], target: FloatBuffer): Unit = {
    val values = new Array[Float](rgb.length)
    var at = 0
    while (at < values.length) {
      val channel = channels(at % 3)
      values(at) = tables(channel)(rgb(at - at % 3 + channel) & 0xff)
      at += 1
    }
    val _ = target.put(values)
  }
}
