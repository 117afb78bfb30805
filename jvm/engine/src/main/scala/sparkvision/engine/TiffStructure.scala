package sparkvision.engine

/** A TIFF's first page: size and colour, from its directory (TIFF 6.0, sections 2 and 8). */
private[engine] object TiffStructure {
  private val ImageWidth = 256
  private val ImageLength = 257
  private val BitsPerSample = 258
  private val Photometric = 262
  private val ColorMap = 320
  private val ExtraSamples = 338
  private val Rgb = 2L
  private val PremultipliedAlpha = 1L
  private val PlainAlpha = 2L
  private val CieLab = 8
  private val IccLab = 9

  def readHeader(reader: ByteReader): ImageHeader = {
    val directory = new Directory(reader)
    directory.requirePalette()
    val photometric = directory.value(Photometric).getOrElse(0L)
    if (photometric == CieLab || photometric == IccLab)
      throw new ImageException("unsupported TIFF: its colours are CIELab; convert it to RGB")
    val orientation = ExifOrientation.fromTiff(reader, 0).getOrElse(1)
    ImageHeader(ImageFormat.Tiff, directory.side(ImageWidth), directory.side(ImageLength), orientation)
  }

  /** Bits a sample of the first page. */
  def bitsPerSample(reader: ByteReader): Int = new Directory(reader).value(BitsPerSample).getOrElse(1L).toInt

  /** The file with its alpha declared premultiplied, when its samples are RGB and plain alpha; else the file itself.
    *
    * libtiff multiplies colours by a plain alpha; Pillow, whose pixels we want, leaves them alone, and so does
    * libtiff when the file says that it has been done already.
    */
  def withoutBlending(reader: ByteReader): Array[Byte] = {
    val directory = new Directory(reader)
    val rgb = directory.value(Photometric).contains(Rgb)
    directory.entry(ExtraSamples) match {
      case Some(_) if rgb && directory.value(ExtraSamples).contains(PremultipliedAlpha) =>
        throw new ImageException("unsupported TIFF: its colours are multiplied by its alpha; save it without alpha")
      case Some(entry) if rgb && directory.value(ExtraSamples).contains(PlainAlpha) && directory.isInline(entry) =>
        val changed = reader.bytes.clone()
        changed(if (directory.bigEndian) entry + 9 else entry + 8) = PremultipliedAlpha.toByte
        changed
      case _ => reader.bytes
    }
  }

  private final class Directory(reader: ByteReader) {
    val bigEndian: Boolean = reader.startsWith(0, "MM")
    private val start = reader.u32(4, bigEndian)
    reader.need(start, 2)
    private val count = reader.u16(start.toInt, bigEndian)
    reader.need(start + 2, count * 12L)

    /** Where a tag's entry lies. */
    def entry(tag: Int): Option[Int] =
      Iterator
        .range(0, count)
        .map(entry => start.toInt + 2 + entry * 12)
        .find(offset => reader.u16(offset, bigEndian) == tag)

    /** The first value of a tag. */
    def value(tag: Int): Option[Long] = entry(tag).map(firstValue)

    /** Whether an entry holds one or two 16-bit values itself, instead of pointing at them. */
    def isInline(offset: Int): Boolean =
      reader.u16(offset + 2, bigEndian) == 3 && reader.u32(offset + 4, bigEndian) <= 2

    /** libtiff reads a palette that lies beyond the end of the file as black. */
    def requirePalette(): Unit = entry(ColorMap).foreach { offset =>
      reader.need(reader.u32(offset + 8, bigEndian), reader.u32(offset + 4, bigEndian) * 2)
    }

    def side(tag: Int): Int = {
      val length = value(tag).getOrElse(reader.corrupt(s"its directory lacks the tag $tag"))
      if (length <= 0 || length > Int.MaxValue) reader.corrupt(s"its tag $tag says a side of $length pixels")
      length.toInt
    }

    private def firstValue(offset: Int): Long = {
      val fieldType = reader.u16(offset + 2, bigEndian)
      val values = reader.u32(offset + 4, bigEndian)
      fieldType match {
        case 1 => reader.u8(offset + 8).toLong
        case 3 if values <= 2 => reader.u16(offset + 8, bigEndian).toLong
        case 3 =>
          val elsewhere = reader.u32(offset + 8, bigEndian)
          reader.need(elsewhere, 2)
          reader.u16(elsewhere.toInt, bigEndian).toLong
        case 4 if values == 1 => reader.u32(offset + 8, bigEndian)
        case other => reader.corrupt(s"a field of its directory has the type $other with $values values")
      }
    }
  }
}
