package sparkvision.image

/** An image as a caller passes it to the engine. */
sealed trait ImageInput

object ImageInput {

  /** The bytes of an image file in a format that [[sparkvision.image.codec.ImageDecoder]] reads. */
  final case class Encoded(bytes: Array[Byte]) extends ImageInput

  /** An image that is already decoded. */
  final case class Decoded(pixels: Pixels) extends ImageInput

  /** A missing image and the reason why it is missing. Its row remains. */
  final case class Unusable(reason: String) extends ImageInput
}
