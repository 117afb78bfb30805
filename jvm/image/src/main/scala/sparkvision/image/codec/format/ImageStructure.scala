package sparkvision.image.codec.format

import sparkvision.image.ImageException

/** What one image file says apart from its pixels: the header, and the facts that the decoder needs beside it.
  *
  * The file is parsed once, by [[ImageStructure.of]]; the later steps of a decode take this value and do not read the header
  * again.
  */
abstract private[sparkvision] class ImageStructure(val reader: ByteReader) {

  /** Format, size and orientation. */
  def header: ImageHeader

  /** Refuses a file that is incomplete or damaged in a way that Pillow refuses but the native decoder does not notice.
    *
    * @throws ImageException
    *   when the file is refused
    */
  def requireComplete(): Unit = ()
}

private[sparkvision] object ImageStructure {

  /** Parses a file.
    *
    * @throws ImageException
    *   when the bytes are not an image of a supported format, or the header is damaged
    */
  def of(bytes: Array[Byte]): ImageStructure = {
    if (bytes == null) throw new ImageException("there is no image: its bytes are null")
    if (bytes.isEmpty) throw new ImageException("not an image: the file is empty (0 bytes)")
    val structure = ImageFormat.of(bytes) match {
      case Some(format) if format.supported => parse(format, new ByteReader(bytes, format.name))
      case Some(format) =>
        throw new ImageException(s"unsupported format ${format.name}: convert it to one of $supportedNames")
      case None =>
        throw new ImageException(
          s"not an image: it begins with the bytes ${firstBytes(bytes)}, which no known image format does; " +
            s"supported are $supportedNames"
        )
    }
    requirePixels(structure.header)
    structure
  }

  private def parse(format: ImageFormat, reader: ByteReader): ImageStructure = format match {
    case ImageFormat.Jpeg => JpegStructure.parse(reader)
    case ImageFormat.Png => new PngStructure(reader)
    case ImageFormat.Gif => new GifStructure(reader)
    case ImageFormat.Bmp => new BmpStructure(reader)
    case ImageFormat.WebP => new WebPStructure(reader)
    case _ => new TiffStructure(reader)
  }

  private def requirePixels(header: ImageHeader): Unit =
    if (header.width <= 0 || header.height <= 0)
      throw new ImageException(
        s"corrupt ${header.format}: its header says ${header.width} x ${header.height} pixels; " +
          "an image has at least one"
      )

  private def supportedNames: String = ImageFormat.supported.map(_.name).mkString(", ")

  private def firstBytes(bytes: Array[Byte]): String = bytes.take(8).map(byte => f"${byte & 0xff}%02x").mkString(" ")
}
