package sparkvision.image.codec.format

import sparkvision.image.ImageException

/** The bitmap header of a BMP (Microsoft's BITMAPINFOHEADER and its successors, IBM's BITMAPCOREHEADER). */
final private[sparkvision] class BmpStructure(reader: ByteReader) extends ImageStructure(reader) {
  import BmpStructure._

  private val headerLength = reader.i32le(14)

  override val header: ImageHeader =
    if (headerLength == CoreHeaderLength) ImageHeader(ImageFormat.Bmp, reader.u16le(18), reader.u16le(20))
    else if (InfoHeaderLengths(headerLength)) {
      // A negative height means that the rows are stored from the top.
      val height = reader.i32le(22)
      if (height == Int.MinValue) reader.corrupt(s"its header says a height of $height")
      ImageHeader(ImageFormat.Bmp, reader.i32le(18), math.abs(height))
    } else
      throw new ImageException(
        s"unsupported BMP: its header is $headerLength bytes long; supported are 12, 40, 52, 56, 64, 108 and 124"
      )

  /** Bits of the green sample in a 16-bit BMP (red and blue have 5); None for any other BMP. */
  def greenBits: Option[Int] =
    if (headerLength == CoreHeaderLength || reader.u16le(28) != 16) None
    else if (reader.u32le(30) == Bitfields && reader.u32le(58) == GreenMask565) Some(6)
    else Some(5)
}

private object BmpStructure {
  val CoreHeaderLength = 12
  val InfoHeaderLengths: Set[Int] = Set(40, 52, 56, 64, 108, 124)

  /** The compression method of a BMP that states its samples' masks. */
  val Bitfields = 3
  val GreenMask565 = 0x7e0L
}
