package sparkvision.image.codec.format

import sparkvision.image.{ImageException, PixelSize}

/** What the markers of a JPEG say (ITU-T T.81, annex B).
  *
  * @param components
  *   1 (grey), 3 (colour) or 4 (inks)
  * @param adobeTransform
  *   the colour transform in Adobe's APP14 marker (Adobe Technical Note 5116, section 18)
  * @param firstScan
  *   the offset of the first scan's segment
  */
final private[sparkvision] class JpegStructure private (
    reader: ByteReader,
    override val header: ImageHeader,
    val components: Int,
    val adobeTransform: Option[Int],
    firstScan: Int
) extends ImageStructure(reader) {
  import JpegStructure._

  /** Refuses a JPEG whose scans do not reach the end-of-image marker, or contain what libjpeg answers with an error when
    * Pillow feeds it. OpenCV stops after the last row and does not notice; it fills missing rows with grey.
    */
  override def requireComplete(): Unit = {
    var offset = segmentEnd(reader, firstScan)
    var marker = 0
    while (marker != EndOfImage) {
      offset = endOfEntropyData(reader.bytes, offset)
      if (offset + 1 >= reader.length)
        reader.corrupt("the file ends before the image does (no end-of-image marker): fetch it again")
      marker = reader.u8(offset + 1)
      offset += 2
      if (marker != EndOfImage) {
        if (marker < 0xc0 || isFrame(marker) || marker == 0xc8 || marker == 0xd8 || marker >= 0xf0 && marker <= 0xfd)
          reader.corrupt(f"the marker ff $marker%02x occurs within the image's data, at offset ${offset - 2}")
        requireLength(reader, marker, offset)
        offset = segmentEnd(reader, offset)
      }
    }
  }
}

private[sparkvision] object JpegStructure {

  /** The denominators that libjpeg and Pillow have in common, the largest first. */
  private val Reductions = Seq(8, 4, 2)

  /** By how much the decoder may reduce the image so that neither side becomes smaller than that of `target`: 8, 4, 2 or 1.
    *
    * Pillow takes the target as width and height of the stored image. Here the target is upright, like the image that is
    * resized afterwards, so for an image that is stored on its side width and height are exchanged.
    */
  def reduction(header: ImageHeader, target: PixelSize): Int = {
    val fits = math.min(header.uprightWidth / target.width, header.uprightHeight / target.height)
    Reductions.find(_ <= fits).getOrElse(1)
  }

  private val EndOfImage = 0xd9
  private val StartOfScan = 0xda
  private val RestartInterval = 0xdd
  private val App1 = 0xe1
  private val App14 = 0xee
  private val XmpPrefix = "http://ns.adobe.com/xap/1.0/\u0000"

  private def isFrame(marker: Int): Boolean =
    marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc

  /** Whether no segment follows the marker: restart markers, TEM, and the markers that the standard does not define. */
  private def standsAlone(marker: Int): Boolean =
    (marker >= 0xd0 && marker <= EndOfImage) || marker == 0xc8 || (marker >= 0xf0 && marker <= 0xfd)

  private final case class Frame(width: Int, height: Int, components: Int)

  /** Reads the markers before the first scan. Accepts what Pillow's JPEG plugin accepts.
    *
    * @throws ImageException
    *   when they are damaged, or the JPEG is of a kind that is not supported
    */
  def parse(reader: ByteReader): JpegStructure = {
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
        reader.corrupt(f"the byte ff is followed by $marker%02x, which is not a marker, at offset $offset")
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
      frame.getOrElse(reader.corrupt("its first scan precedes the frame header (SOF)"))
    val header = ImageHeader(ImageFormat.Jpeg, width, height, ExifOrientation.of(exif, xmp))
    new JpegStructure(reader, header, components, adobeTransform, offset)
  }

  /** The offset of the next ff that begins a marker. Other bytes, fill bytes and the escaped ff 00 are skipped, as in
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
      reader.corrupt(s"the segment at offset $offset states a length of $length bytes; at least 2 are needed")
    reader.need(offset, length.toLong)
    offset + length
  }

  /** Checks the lengths that the standard fixes (sections B.2.3 and B.2.4.4); libjpeg refuses any other. */
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
    if (bits != 8) throw new ImageException(s"unsupported JPEG: $bits bits per sample; convert it to 8 bits")
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
