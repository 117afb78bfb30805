package sparkvision.image.codec.format

import sparkvision.image.ImageException

/** Walks a JPEG's markers (ITU-T T.81, annex B), without decoding.
  *
  * The header walk accepts what Pillow's JPEG plugin accepts. The scan walk refuses what libjpeg, fed by Pillow, ends
  * in an error: OpenCV stops after the last row and never sees it, and fills the rows that a cut file lacks with
  * grey.
  */
private[sparkvision] object JpegStructure {
  private val EndOfImage = 0xd9
  private val StartOfScan = 0xda
  private val RestartInterval = 0xdd
  private val App1 = 0xe1
  private val App14 = 0xee
  private val XmpPrefix = "http://ns.adobe.com/xap/1.0/\u0000"

  private def isFrame(marker: Int): Boolean =
    marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc

  /** Restart markers and TEM stand alone; so do those that the standard leaves undefined. */
  private def standsAlone(marker: Int): Boolean =
    (marker >= 0xd0 && marker <= EndOfImage) || marker == 0xc8 || (marker >= 0xf0 && marker <= 0xfd)

  /** What a file says before its first scan.
    *
    * @param components
    *   1 (grey), 3 (colour) or 4 (inks)
    * @param adobeTransform
    *   the colour transform in Adobe's APP14 marker (Adobe Technical Note 5116, section 18)
    * @param scan
    *   the offset of the first scan's segment
    */
  final private case class Opening(image: ImageHeader, components: Int, adobeTransform: Option[Int], scan: Int)

  private final case class Frame(width: Int, height: Int, components: Int)

  def readHeader(reader: ByteReader): ImageHeader = walkHeader(reader).image

  /** Whether the samples are four inks, and then what Adobe's marker says of them. */
  def inks(reader: ByteReader): Option[Option[Int]] = {
    val opening = walkHeader(reader)
    Option.when(opening.components == 4)(opening.adobeTransform)
  }

  private def walkHeader(reader: ByteReader): Opening = {
    var frame: Option[Frame] = None
    var adobeTransform: Option[Int] = None
    var exif: Option[Array[Byte]] = None
    var xmp: Option[Array[Byte]] = None
    var offset = 2
    var marker = 0
    while (marker != StartOfScan) {
      offset = nextMarker(reader, offset)
      marker = reader.u8(offset + 1)
      offset += 2
      if (marker < 0xc0)
        reader.corrupt(f"the byte ff is followed by $marker%02x, which is no marker, at offset $offset")
      if (!standsAlone(marker)) {
        val end = segmentEnd(reader, offset)
        if (isFrame(marker)) frame = Some(frameSize(reader, offset))
        else if (marker == App1 && exif.isEmpty && reader.startsWith(offset + 2, ExifOrientation.ExifPrefix))
          exif = Some(reader.slice(offset + 2, end - offset - 2))
        else if (marker == App1 && reader.startsWith(offset + 2, XmpPrefix))
          xmp = Some(reader.slice(offset + 2, end - offset - 2))
        else if (marker == App14 && end - offset >= 14 && reader.startsWith(offset + 2, "Adobe"))
          adobeTransform = Some(reader.u8(offset + 13))
        if (marker != StartOfScan) offset = end
      }
    }
    val Frame(width, height, components) =
      frame.getOrElse(reader.corrupt("its scan begins before any frame header (SOF)"))
    val image = ImageHeader(ImageFormat.Jpeg, width, height, ExifOrientation.of(exif, xmp))
    Opening(image, components, adobeTransform, offset)
  }

  /** Refuses a JPEG whose scans do not reach the end-of-image marker, or hold what ends libjpeg in an error. */
  def requireComplete(reader: ByteReader): Unit = {
    var offset = segmentEnd(reader, walkHeader(reader).scan)
    var marker = 0
    while (marker != EndOfImage) {
      offset = endOfEntropyData(reader.bytes, offset)
      if (offset + 1 >= reader.length)
        reader.corrupt("the file ends before the image does (no end-of-image marker): fetch it again")
      marker = reader.u8(offset + 1)
      offset += 2
      if (marker != EndOfImage) {
        if (marker < 0xc0 || isFrame(marker) || marker == 0xc8 || marker == 0xd8 || marker >= 0xf0 && marker <= 0xfd)
          reader.corrupt(f"the marker ff $marker%02x stands among the image's data, at offset ${offset - 2}")
        requireLength(reader, marker, offset)
        offset = segmentEnd(reader, offset)
      }
    }
  }

  /** The offset of the next ff that begins a marker: junk, fill bytes and escaped ff 00 are passed over, as in
    * Pillow.
    */
  private def nextMarker(reader: ByteReader, from: Int): Int = {
    var offset = from
    while (reader.u8(offset) != 0xff || reader.u8(offset + 1) == 0xff || reader.u8(offset + 1) == 0)
      offset += (if (reader.u8(offset) == 0xff && reader.u8(offset + 1) == 0) 2 else 1)
    offset
  }

  private def segmentEnd(reader: ByteReader, offset: Int): Int = {
    val length = reader.u16be(offset)
    if (length < 2)
      reader.corrupt(s"the segment at offset $offset says it is $length bytes long; at least 2 are needed")
    reader.need(offset, length.toLong)
    offset + length
  }

  /** The lengths that the standard fixes (sections B.2.3 and B.2.4.4): libjpeg gives up on any other. */
  private def requireLength(reader: ByteReader, marker: Int, offset: Int): Unit = {
    val length = reader.u16be(offset)
    val expected = marker match {
      case StartOfScan => 6 + 2 * reader.u8(offset + 2)
      case RestartInterval => 4
      case _ => length
    }
    if (length != expected)
      reader.corrupt(f"the segment ff $marker%02x at offset $offset is $length bytes long instead of $expected")
  }

  private def frameSize(reader: ByteReader, offset: Int): Frame = {
    val bits = reader.u8(offset + 2)
    val components = reader.u8(offset + 7)
    if (bits != 8) throw new ImageException(s"unsupported JPEG: $bits bits a sample; 8 are supported, so convert it")
    if (components != 1 && components != 3 && components != 4)
      throw new ImageException(
        s"unsupported JPEG: $components components; 1 (grey), 3 (colour) and 4 (CMYK) are supported"
      )
    Frame(reader.u16be(offset + 5), reader.u16be(offset + 3), components)
  }

  /** The offset of the ff of the first marker that is neither a restart nor an escaped ff, or the file's length. */
  private def endOfEntropyData(bytes: Array[Byte], from: Int): Int = {
    var offset = from
    val last = bytes.length - 1
    while (offset < last && !(bytes(offset) == -1 && endsEntropyData(bytes(offset + 1) & 0xff))) offset += 1
    if (offset < last) offset else bytes.length
  }

  private def endsEntropyData(afterFf: Int): Boolean =
    afterFf != 0 && afterFf != 0xff && afterFf != 0x01 && (afterFf < 0xd0 || afterFf > 0xd7)
}
