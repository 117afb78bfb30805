package sparkvision.engine

/** A picture as it reaches the engine. */
sealed trait Picture

object Picture {

  /** A picture file's bytes: JPEG, PNG, ... */
  final case class Encoded(bytes: Array[Byte]) extends Picture

  /** A picture that somebody has decoded already. */
  final case class Decoded(pixels: Pixels) extends Picture

  /** A place where a picture should be, and why there is none. It keeps its row. */
  final case class Unusable(reason: String) extends Picture
}
