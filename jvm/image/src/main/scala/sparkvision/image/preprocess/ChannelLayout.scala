package sparkvision.image.preprocess

import sparkvision.image.{NamedValue, NamedValues}

/** The order of an image's values in the model's input, named as `inputLayout` in a bundle's manifest. */
sealed abstract class ChannelLayout(val name: String) extends NamedValue

object ChannelLayout extends NamedValues[ChannelLayout]("inputLayout") {

  /** All values of the first channel row by row, then those of the second and of the third channel. */
  case object ChannelsFirst extends ChannelLayout("NCHW")

  /** The three values of each pixel together, row by row. */
  case object ChannelsLast extends ChannelLayout("NHWC")

  override val all: Seq[ChannelLayout] = Seq(ChannelsFirst, ChannelsLast)
}
