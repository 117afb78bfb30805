package sparkvision.engine

/** A picture, however it comes, to pixels, as the settings say. */
final private[engine] class PictureDecoding(settings: ModelSettings, listener: ModelListener) {

  /** @param target
    *   from a picture's size to the size that it will be resized to
    * @throws ImageException
    *   when the picture cannot be used
    */
  def pixels(picture: Picture)(target: PixelSize => PixelSize): PixelRows = picture match {
    case Picture.Encoded(bytes) =>
      val start = System.nanoTime
      val pixels = decode(bytes, target)
      val nanos = System.nanoTime - start
      // A listener may keep a copy.
      PictureMemory.refusing(pixels.width, pixels.height)(listener.decoded(bytes, pixels, nanos))
      pixels
    case Picture.Decoded(decoded) => decoded
    case Picture.Unusable(reason) => throw new ImageException(reason)
  }

  private def decode(bytes: Array[Byte], target: PixelSize => PixelSize): PixelRows = settings.decodeMode match {
    case DecodeMode.Exact => ImageDecoder.rows(bytes, settings.maxImagePixels)
    case DecodeMode.Fast => ImageDecoder.draftRows(bytes, settings.maxImagePixels)(target)
  }
}
