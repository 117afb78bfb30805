package sparkvision.image.codec.format

/** What an image file says about itself before a single pixel is decoded.
  *
  * @param format
  *   one of [[ImageFormat.supported]]
  * @param width
  *   pixels in a stored row, before the image is turned upright
  * @param height
  *   stored rows, before the image is turned upright
  * @param orientation
  *   the EXIF orientation, 1 (upright) to 8, as CIPA DC-008 (EXIF 2.32) section 4.6.4 numbers it; 1 when the image
  *   has none
  */
final case class ImageHeader(format: ImageFormat, width: Int, height: Int, orientation: Int = 1) {

  /** Stored pixels: `width * height`. */
  def pixelCount: Long = width.toLong * height

  private def sidesSwap: Boolean = orientation >= 5 && orientation <= 8

  /** Width in pixels of the upright image. */
  def uprightWidth: Int = if (sidesSwap) height else width

  /** Height in pixels of the upright image. */
  def uprightHeight: Int = if (sidesSwap) width else height
}

object ImageHeader {

  /** Reads format, size and orientation. This takes microseconds and decodes nothing.
    *
    * @param bytes
    *   the encoded file (JPEG, PNG, GIF, BMP, WebP or TIFF)
    * @throws ImageException
    *   when the bytes are not an image, an image of another format, or the header is damaged
    * @example
    *   {{{
    *   val header = ImageHeader.read(bytes)
    *   (header.format.name, header.uprightWidth, header.uprightHeight) // ("JPEG", 640, 427)
    *   }}}
    */
  def read(bytes: Array[Byte]): ImageHeader = ImageStructure.of(bytes).header
}
