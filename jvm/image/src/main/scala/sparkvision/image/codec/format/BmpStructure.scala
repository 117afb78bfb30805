package sparkvision.image.codec.format

import sparkvision.image.ImageException

/** A BMP's size, from its bitmap header (Microsoft's BITMAPINFOHEADER and its successors, IBM's BITMAPCOREHEADER). */
private[sparkvision] object BmpStructure {
  private val CoreHeaderLength = 12
  private val InfoHeaderLengths = Set(40, 52, 56, 64, 108, 124)

  private val Bitfields = 3
  private val GreenMask565 = 0x7e0L

  /** How many bits green has in a 16-bit BMP (red and blue have 5); None for any other BMP. */
  def greenBits(reader: ByteReader): Option[Int] =
    if (reader.i32le(14) == CoreHeaderLength || reader.u16le(28) != 16) None
    else if (reader.u32le(30) == Bitfields && reader.u32le(58) == GreenMask565) Some(6)
    else Some(5)

  def readHeader(reader: ByteReader): ImageHeader = {
    val headerLength = reader.i32le(14)
    if (headerLength == CoreHeaderLength) ImageHeader(ImageFormat.Bmp, reader.u16le(18), reader.u16le(20))
    else if (InfoHeaderLengths(headerLength)) {
      // A negative height means rows stored from the top.
      val height = reader.i32le(22)
      if (height == Int.MinValue) reader.corrupt(s"its header says a height of $height")
      ImageHeader(ImageFormat.Bmp, reader.i32le(18), math.abs(height))
    } else
      throw new ImageException(
        s"unsupported BMP: its header is $headerLength bytes long; known are 12, 40, 52, 56, 64, 108 and 124"
      )
  }
}
