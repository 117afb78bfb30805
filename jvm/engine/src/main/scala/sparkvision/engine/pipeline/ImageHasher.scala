package sparkvision.engine.pipeline

import sparkvision.engine.session.ModelListener
import sparkvision.image.codec.{DecodeMode, ImageDecoder}
import sparkvision.image.hash.HashAlgorithm
import sparkvision.image.{ImageException, ImageInput, ImageMemory}

/** Computes perceptual hashes of images.
  *
  * @param maxImagePixels
  *   images with more pixels are refused before they are decoded
  * @param listener
  *   receives how long decoding and hashing took
  * @example
  *   {{{new ImageHasher(HashAlgorithm.PHash).hash(ImageInput.Encoded(bytes)).map(_.toHexString)}}}
  */
final class ImageHasher(
    algorithm: HashAlgorithm,
    maxImagePixels: Long = ImageDecoder.DefaultMaxPixels,
    listener: ModelListener = ModelListener.Silent
) {
  private val decoder = new InputDecoder(maxImagePixels, DecodeMode.Exact, listener)

  /** The hash of the image, or the reason why it has none. */
  def hash(image: ImageInput): Either[String, Long] =
    try {
      val pixels = decoder.pixels(image)(identity)
      Right(ModelListener.timed(listener.preprocessed) {
        ImageMemory.refusing(pixels.width, pixels.height)(algorithm.hash(pixels))
      })
    } catch { case e: ImageException => Left(e.reason) }
}
