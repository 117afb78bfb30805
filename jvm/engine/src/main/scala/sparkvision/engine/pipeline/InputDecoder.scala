package sparkvision.engine.pipeline

import sparkvision.engine.session.ModelListener
import sparkvision.image.codec.{DecodeMode, ImageDecoder}
import sparkvision.image.{ImageException, ImageInput, ImageMemory, PixelRows, PixelSize}

/** Decodes the images that reach the engine, whatever form they have.
  *
  * @param maxImagePixels
  *   images with more pixels are refused before they are decoded
  */
final private[engine] class InputDecoder(maxImagePixels: Long, mode: DecodeMode, listener: ModelListener) {

  /** @param target
    *   from the size of an image to the size that it will be resized to
    * @throws ImageException
    *   when the image cannot be used
    */
  def pixels(image: ImageInput)(target: PixelSize => PixelSize): PixelRows = image match {
    case ImageInput.Encoded(bytes) =>
      val start = System.nanoTime
      val pixels = decode(bytes, target)
      val nanos = System.nanoTime - start
      // A listener may keep a copy, for which there may be no memory.
      ImageMemory.refusing(pixels.width, pixels.height)(listener.decoded(bytes, pixels, nanos))
      pixels
    case ImageInput.Decoded(decoded) => decoded
    case ImageInput.Unusable(reason) => throw new ImageException(reason)
  }

  private def decode(bytes: Array[Byte], target: PixelSize => PixelSize): PixelRows = mode match {
    case DecodeMode.Exact => ImageDecoder.rows(bytes, maxImagePixels)
    case DecodeMode.Fast => ImageDecoder.draftRows(bytes, maxImagePixels)(target)
  }
}
