package sparkvision.engine.pipeline

import sparkvision.engine.session.ModelListener
import sparkvision.image.codec.{DecodeMode, ImageDecoder}
import sparkvision.image.{ImageException, ImageInput, ImageMemory, PixelRows, PixelSize}

/** An image, however it comes, to pixels, as the settings say. */
final private[engine] class ImageDecoding(settings: ModelSettings, listener: ModelListener) {

  /** @param target
    *   from an image's size to the size that it will be resized to
    * @throws ImageException
    *   when the image cannot be used
    */
  def pixels(image: ImageInput)(target: PixelSize => PixelSize): PixelRows = image match {
    case ImageInput.Encoded(bytes) =>
      val start = System.nanoTime
      val pixels = decode(bytes, target)
      val nanos = System.nanoTime - start
      // A listener may keep a copy.
      ImageMemory.refusing(pixels.width, pixels.height)(listener.decoded(bytes, pixels, nanos))
      pixels
    case ImageInput.Decoded(decoded) => decoded
    case ImageInput.Unusable(reason) => throw new ImageException(reason)
  }

  private def decode(bytes: Array[Byte], target: PixelSize => PixelSize): PixelRows = settings.decodeMode match {
    case DecodeMode.Exact => ImageDecoder.rows(bytes, settings.maxImagePixels)
    case DecodeMode.Fast => ImageDecoder.draftRows(bytes, settings.maxImagePixels)(target)
  }
}
