package sparkvision.image.codec.format

import java.nio.charset.StandardCharsets.ISO_8859_1

import sparkvision.image.ImageException

/** Finds the orientation that a camera recorded in EXIF or, when EXIF has none, in XMP, as Pillow's `getexif` does.
  *
  * Damaged metadata does not affect the pixels. The image then counts as upright and is not refused.
  */
private[sparkvision] object ExifOrientation {
  private val OrientationTag = 274 // 0x0112, CIPA DC-008 table 4
  private val Upright = 1
  private val xmpPattern = "tiff:Orientation(?:=\"|>)([0-9])".r

  /** The prefix of an EXIF block in a JPEG's APP1 segment and, in files of some programs, in a WebP. */
  val ExifPrefix = "Exif\u0000\u0000"

  /** The orientation in an EXIF block, which has the structure of a TIFF; None when it has no orientation or is damaged. */
  def fromExif(block: Array[Byte]): Option[Int] = {
    val reader = new ByteReader(block, "EXIF")
    val start = if (reader.startsWith(0, ExifPrefix)) ExifPrefix.length else 0
    try fromTiff(reader, start)
    catch { case _: ImageException => None }
  }

  /** The orientation in the first directory of a TIFF structure that begins at `start`. */
  def fromTiff(reader: ByteReader, start: Int): Option[Int] = {
    val bigEndian = reader.startsWith(start, "MM")
    val directory = start + reader.u32(start + 4, bigEndian)
    reader.need(directory, 2)
    val count = reader.u16(directory.toInt, bigEndian)
    val entries = Iterator.range(0, count).map(entry => directory + 2 + entry * 12L)
    entries
      .map { offset => reader.need(offset, 12); offset.toInt }
      .find(offset => reader.u16(offset, bigEndian) == OrientationTag)
      .flatMap(value(reader, _, bigEndian))
      .map(valid)
  }

  /** The value of a directory entry when it is a whole number: BYTE, SHORT or LONG. */
  private def value(reader: ByteReader, entry: Int, bigEndian: Boolean): Option[Int] =
    reader.u16(entry + 2, bigEndian) match {
      case 1 => Some(reader.u8(entry + 8))
      case 3 => Some(reader.u16(entry + 8, bigEndian))
      case 4 => Some(reader.u32(entry + 8, bigEndian).toInt)
      case _ => None
    }

  /** The orientation in an XMP packet, or None when it has none. */
  def fromXmp(packet: Array[Byte]): Option[Int] =
    xmpPattern.findFirstMatchIn(new String(packet, ISO_8859_1)).map(found => valid(found.group(1).toInt))

  /** The orientation in EXIF; in XMP when EXIF has none; upright when XMP has none either. */
  def of(exif: Option[Array[Byte]], xmp: Option[Array[Byte]]): Int =
    exif.flatMap(fromExif).orElse(xmp.flatMap(fromXmp)).getOrElse(Upright)

  private def valid(orientation: Int): Int = if (orientation >= 1 && orientation <= 8) orientation else Upright
}
