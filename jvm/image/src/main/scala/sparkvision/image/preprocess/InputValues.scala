package sparkvision.image.preprocess

import java.nio.FloatBuffer

import sparkvision.image.{NamedValue, NamedValues, Pixels}

/** Converts 8-bit samples to the values of a model's input: rescaled, normalised, and in the order of the input.
  *
  * A sample has 256 possible values, so the result for each is computed once, with the precision of transformers: the product
  * in 64 bits rounded to 32 bits, then difference and quotient in 32 bits.
  */
final private[sparkvision] class InputValues(config: ProcessorConfig, layout: ChannelLayout) {

  private val tables: Array[Array[Float]] = Array.tabulate(3)(channel => Array.tabulate(256)(inputValue(channel, _)))

  private def inputValue(channel: Int, sample: Int): Float = {
    val std = config.imageStd(channel).toFloat
    val scaled = if (config.doRescale) (sample.toDouble * config.rescaleFactor).toFloat else sample.toFloat
    val rescaled = if (config.doRescale && config.rescaleOffset) scaled - 1f else scaled
    val normalized = if (config.doNormalize) (rescaled - config.imageMean(channel).toFloat) / std else rescaled
    if (config.includeTop) normalized / std else normalized
  }

  /** Appends the values of an image, three for each pixel. */
  def put(pixels: Pixels, target: FloatBuffer): Unit = {
    val channels = if (config.doFlipChannelOrder) Array(2, 1, 0) else Array(0, 1, 2)
    layout match {
      case ChannelLayout.ChannelsFirst => channels.foreach(channel => putPlane(pixels.rgb, channel, target))
      case ChannelLayout.ChannelsLast => putPixels(pixels.rgb, channels, target)
    }
  }

  private def putPlane(rgb: Array[Byte], channel: Int, target: FloatBuffer): Unit = {
    val values = new Array[Float](rgb.length / 3)
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

/** The order of an image's values in the model's input, named as `inputLayout` in a bundle's manifest. */
sealed abstract class ChannelLayout(val name: String) extends NamedValue

object ChannelLayout extends NamedValues[ChannelLayout]("inputLayout") {

  /** All values of the first channel row by row, then those of the second and of the third channel. */
  case object ChannelsFirst extends ChannelLayout("NCHW")

  /** The three values of each pixel together, row by row. */
  case object ChannelsLast extends ChannelLayout("NHWC")

  override val all: Seq[ChannelLayout] = Seq(ChannelsFirst, ChannelsLast)
}
