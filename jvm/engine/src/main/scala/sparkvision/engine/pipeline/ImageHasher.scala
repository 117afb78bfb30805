package sparkvision.engine.pipeline

import sparkvision.engine.session.ModelListener
import sparkvision.image.codec.ImageDecoder
import sparkvision.image.hash.HashAlgorithm
import sparkvision.image.{ImageException, ImageInput, ImageMemory}

/** Hashes images as they come, each with its own result or reason.
  *
  * @param maxImagePixels
  *   images with more are refused before they are decoded
  * @param listener
  *   told how long decoding and hashing took
  * @example
  *   {{{new ImageHasher(HashAlgorithm.PHash).hash(ImageInput.Encoded(bytes)).map(_.toHexString)}}}
  */
final class ImageHasher(
    algorithm: HashAlgorithm,
    maxImagePixels: Long = ImageDecoder.DefaultMaxPixels,
    listener: ModelListener = ModelListener.Silent
) {
  private val decoding = new ImageDecoding(ModelSettings(maxImagePixels = maxImagePixels), listener)

  /** The image's hash, or the reason why it has none. */
  def hash(image: ImageInput): Either[String, Long] =
    try {
      val pixels = decoding.pixels(image)(identity)
      Right(ModelListener.timed(listener.preprocessed) {
        ImageMemory.refusing(pixels.width, pixels.height)(algorithm.hash(pixels))
      })
    } catch { case e: ImageException => Left(e.reason) }
}
