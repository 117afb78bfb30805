package sparkvision.image.codec.format

import sparkvision.image.ImageException
import sparkvision.image.codec.tiff.TiffStructure

/** What an image says about itself before a single pixel is decoded.
  *
  * @param format
  *   one of [[ImageFormat.supported]]
  * @param width
  *   pixels in a stored row, before any turn
  * @param height
  *   stored rows, before any turn
  * @param orientation
  *   the EXIF orientation, 1 (upright) to 8, as CIPA DC-008 (EXIF 2.32) section 4.6.4 numbers it; 1 when the image
  *   has none
  */
final case class ImageHeader(format: ImageFormat, width: Int, height: Int, orientation: Int = 1) {

  /** Stored pixels: `width * height`. */
  def pixelCount: Long = width.toLong * height

  private def sidesSwap: Boolean = orientation >= 5 && orientation <= 8

  /** Width in pixels once the image stands upright. */
  def uprightWidth: Int = if (sidesSwap) height else width

  /** Height in pixels once the image stands upright. */
  def uprightHeight: Int = if (sidesSwap) width else height
}

object ImageHeader {

  /** Reads format, size and orientation; costs microseconds and decodes nothing.
    *
    * @param bytes
    *   the encoded file (JPEG, PNG, GIF, BMP, WebP or TIFF)
    * @throws ImageException
    *   when the bytes are no image, an image of another format, or their header is damaged
    * @example
    *   {{{
    *   val header = ImageHeader.read(bytes)
    *   s"${header.format} ${header.uprightWidth} x ${header.uprightHeight}" // "JPEG 640 x 427"
    *   }}}
    */
  def read(bytes: Array[Byte]): ImageHeader = {
    if (bytes == null) throw new ImageException("there is no image: its bytes are null")
    if (bytes.isEmpty) throw new ImageException("not an image: the file is empty (0 bytes)")
    val header = ImageFormat.of(bytes) match {
      case Some(format) if format.supported => parse(format, bytes)
      case Some(format) =>
        throw new ImageException(s"unsupported format ${format.name}: convert it to one of $supportedNames")
      case None =>
        throw new ImageException(
          s"not an image: it begins with the bytes ${firstBytes(bytes)}, which no format known here does; " +
            s"supported are $supportedNames"
        )
    }
    if (header.width <= 0 || header.height <= 0)
      throw new ImageException(
        s"corrupt ${header.format}: its header says ${header.width} x ${header.height} pixels; " +
          "an image has at least one"
      )
    header
  }

  private def supportedNames: String = ImageFormat.supported.map(_.name).mkString(", ")

  private def firstBytes(bytes: Array[Byte]): String = bytes.take(8).map(byte => f"${byte & 0xff}%02x").mkString(" ")

  private def parse(format: ImageFormat, bytes: Array[Byte]): ImageHeader = {
    val reader = new ByteReader(bytes, format.name)
    format match {
      case ImageFormat.Jpeg => JpegStructure.readHeader(reader)
      case ImageFormat.Png => PngStructure.readHeader(reader)
      case ImageFormat.Gif => GifStructure.readHeader(reader)
      case ImageFormat.Bmp => BmpStructure.readHeader(reader)
      case ImageFormat.WebP => WebPStructure.readHeader(reader)
      case _ => TiffStructure.readHeader(reader)
    }
  }
}
