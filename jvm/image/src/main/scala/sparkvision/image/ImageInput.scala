package sparkvision.image

/** An image as it reaches the engine. */
sealed trait ImageInput

object ImageInput {

  /** An image file's bytes: JPEG, PNG, ... */
  final case class Encoded(bytes: Array[Byte]) extends ImageInput

  /** An image that somebody has decoded already. */
  final case class Decoded(pixels: Pixels) extends ImageInput

  /** A place where an image should be, and why there is none. It keeps its row. */
  final case class Unusable(reason: String) extends ImageInput
}
