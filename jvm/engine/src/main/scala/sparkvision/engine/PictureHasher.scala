package sparkvision.engine

/** Hashes pictures as they come, each with its own result or reason.
  *
  * @param maxImagePixels
  *   pictures with more are refused before they are decoded
  * @param listener
  *   told how long decoding and hashing took
  * @example
  *   {{{new PictureHasher(HashAlgorithm.PHash).hash(Picture.Encoded(bytes)).map(_.toHexString)}}}
  */
final class PictureHasher(
    algorithm: HashAlgorithm,
    maxImagePixels: Long = ImageDecoder.DefaultMaxPixels,
    listener: ModelListener = ModelListener.Silent
) {
  private val decoding = new PictureDecoding(ModelSettings(maxImagePixels = maxImagePixels), listener)

  /** The picture's hash, or the reason why it has none. */
  def hash(picture: Picture): Either[String, Long] =
    try {
      val pixels = decoding.pixels(picture)(identity)
      Right(ModelListener.timed(listener.preprocessed) {
        PictureMemory.refusing(pixels.width, pixels.height)(algorithm.hash(pixels))
      })
    } catch { case e: ImageException => Left(e.reason) }
}
