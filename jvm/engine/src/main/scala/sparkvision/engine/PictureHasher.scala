package sparkvision.engine

/** Hashes pictures as they come, each with its own result or reason.
  *
  * @param maxImagePixels
  *   pictures with more are refused before they are decoded
  * @param listener
  *   told how long decoding and hashing took
  * @example
  *   {{{new PictureHasher(HashAlgorithm.PHash).hash(Picture.Encoded(bytes)) // Right(-4653529170812387442)}}}
  */
final class PictureHasher(
    algorithm: HashAlgorithm,
    maxImagePixels: Long = ImageDecoder.DefaultMaxPixels,
    listener: ModelListener = ModelListener.Silent
) {

  /** The picture's hash, or the reason why it has none. */
  def hash(picture: Picture): Either[String, Long] =
    try
      picture match {
        case Picture.Encoded(bytes) => Right(hash(decode(bytes)))
        case Picture.Decoded(pixels) => Right(hash(pixels))
        case Picture.Unusable(reason) => Left(reason)
      }
    catch { case e: ImageException => Left(e.reason) }

  private def decode(bytes: Array[Byte]): Pixels = {
    val start = System.nanoTime
    val pixels = ImageDecoder.decode(bytes, maxImagePixels)
    listener.decoded(bytes, pixels, System.nanoTime - start)
    pixels
  }

  private def hash(pixels: Pixels): Long = ModelListener.timed(listener.preprocessed) {
    PictureMemory.refusing(pixels.width, pixels.height)(algorithm.hash(pixels))
  }
}
