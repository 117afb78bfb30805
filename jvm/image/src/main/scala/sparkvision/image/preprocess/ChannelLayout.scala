package sparkvision.image.preprocess

/** The order in which an image's values lie in the model's input. */
sealed trait ChannelLayout

object ChannelLayout {

  /** All values of the first channel row by row, then the second channel's, then the third's: CHW. */
  case object ChannelsFirst extends ChannelLayout

  /** The three values of each pixel together, row by row: HWC. */
  case object ChannelsLast extends ChannelLayout
}
