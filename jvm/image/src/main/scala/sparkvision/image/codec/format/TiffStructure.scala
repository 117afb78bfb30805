package sparkvision.image.codec.format

/** The first page of a TIFF: its directory, and what this says of the page's size and orientation. */
final private[sparkvision] class TiffStructure(reader: ByteReader) extends ImageStructure(reader) {
  import TiffDirectory._

  /** The directory of the first page. */
  val directory: TiffDirectory = new TiffDirectory(reader)

  override val header: ImageHeader = {
    val orientation = directory.value(OrientationTag).filter(value => value >= 1 && value <= 8).getOrElse(1L)
    ImageHeader(ImageFormat.Tiff, directory.side(ImageWidth), directory.side(ImageLength), orientation.toInt)
  }

  /** Bits of a sample. */
  def bitsPerSample: Int = directory.value(BitsPerSample).getOrElse(1L).toInt

  /** The file with its alpha declared as premultiplied, when the samples are RGB with plain alpha; otherwise the file itself.
    *
    * libtiff multiplies colours by a plain alpha. Pillow does not, and neither does libtiff when the file declares that the
    * colours have been multiplied already.
    */
  def withoutBlending: Array[Byte] = {
    val blended = directory.value(Photometric).contains(2L) && directory.value(ExtraSamples).contains(PlainAlpha)
    directory.offsetOfValues(ExtraSamples).filter(_ => blended).fold(reader.bytes) { offset =>
      val changed = reader.bytes.clone()
      changed(if (directory.bigEndian) offset + 1 else offset) = PremultipliedAlpha.toByte
      changed
    }
  }
}

/** The directory of a TIFF's first page (TIFF 6.0, section 2). A BigTIFF, the 64-bit successor, has longer counts and
  * offsets.
  */
final private[sparkvision] class TiffDirectory(reader: ByteReader) {
  import TiffDirectory._

  val bigEndian: Boolean = reader.startsWith(0, "MM")
  private val big = reader.u16(2, bigEndian) == BigVersion
  private val countLength = if (big) 8 else 2
  private val entryLength = if (big) 20 else 12
  private val valueLength = if (big) 8 else 4

  private val entries: Map[Int, Long] = {
    val start = if (big) offsetAt(8) else offsetAt(4)
    reader.need(start, countLength.toLong)
    val count = if (big) offsetAt(start) else reader.u16(start.toInt, bigEndian).toLong
    if (count > MaxEntries) reader.corrupt(s"its directory states $count entries")
    reader.need(start + countLength, count * entryLength)
    // When a tag occurs twice, libtiff takes the first.
    Iterator
      .range(0, count.toInt)
      .map(start + countLength + _ * entryLength.toLong)
      .map(offset => reader.u16(offset.toInt, bigEndian) -> offset)
      .toSeq
      .reverse
      .toMap
  }

  def has(tag: Int): Boolean = entries.contains(tag)

  /** A tag's first value. */
  def value(tag: Int): Option[Long] = values(tag).flatMap(_.headOption)

  /** All values of a tag, which must be whole numbers.
    *
    * @throws ImageException
    *   when they are of another type
    */
  def values(tag: Int): Option[IndexedSeq[Long]] = entries.get(tag).map { entry =>
    val (fieldType, offset, count) = field(entry)
    val size = sizes.getOrElse(
      fieldType,
      reader.corrupt(s"the tag $tag of its directory has the type $fieldType, and whole numbers are expected")
    )
    Range(0, count).map(i => number(offset + i * size, fieldType))
  }

  /** The bytes of a tag's values as they are stored. */
  def bytes(tag: Int): Option[Array[Byte]] = entries.get(tag).map { entry =>
    val (fieldType, offset, count) = field(entry)
    reader.slice(offset, count * sizes.getOrElse(fieldType, 1))
  }

  /** The offset of a tag's first value. */
  def offsetOfValues(tag: Int): Option[Int] = entries.get(tag).map(field(_)._2)

  /** A tag's value as the length of a side in pixels.
    *
    * @throws ImageException
    *   when the tag is missing, or its value is not a length
    */
  def side(tag: Int): Int = {
    val length = value(tag).getOrElse(reader.corrupt(s"its directory lacks the tag $tag"))
    if (length <= 0 || length > Int.MaxValue) reader.corrupt(s"its tag $tag states a side of $length pixels")
    length.toInt
  }

  /** Type, offset of the first value, and number of values. */
  private def field(entry: Long): (Int, Int, Int) = {
    val fieldType = reader.u16(entry.toInt + 2, bigEndian)
    val count = if (big) offsetAt(entry + 4) else reader.u32(entry.toInt + 4, bigEndian)
    val length = count * sizes.getOrElse(fieldType, 1)
    val inline = entry + entryLength - valueLength
    val offset = if (length <= valueLength) inline else offsetAt(inline)
    reader.need(offset, if (count > reader.length) reader.length + 1L else length)
    (fieldType, offset.toInt, count.toInt)
  }

  private def number(offset: Int, fieldType: Int): Long = sizes(fieldType) match {
    case 1 => reader.u8(offset).toLong
    case 2 => reader.u16(offset, bigEndian).toLong
    case 4 => reader.u32(offset, bigEndian)
    case _ => u64(offset)
  }

  private def u64(offset: Int): Long = {
    val (high, low) = if (bigEndian) (offset, offset + 4) else (offset + 4, offset)
    (reader.u32(high, bigEndian) << 32) | reader.u32(low, bigEndian)
  }

  /** An offset or a count. One of more than 63 bits becomes negative, which every check refuses. */
  private def offsetAt(offset: Long): Long = {
    reader.need(offset, valueLength.toLong)
    if (big) u64(offset.toInt) else reader.u32(offset.toInt, bigEndian)
  }
}

private[sparkvision] object TiffDirectory {
  private val BigVersion = 43

  /** The most that the 16-bit count of a TIFF can state. */
  private val MaxEntries = 65535

  /** Bytes of a value of each type of whole numbers: BYTE, SHORT, LONG, and BigTIFF's LONG8. */
  private val sizes = Map(1 -> 1, 3 -> 2, 4 -> 4, 16 -> 8)

  val ImageWidth = 256
  val ImageLength = 257
  val BitsPerSample = 258
  val Compression = 259
  val Photometric = 262
  val FillOrder = 266
  val StripOffsets = 273
  val OrientationTag = 274
  val SamplesPerPixel = 277
  val RowsPerStrip = 278
  val StripByteCounts = 279
  val PlanarConfiguration = 284
  val Predictor = 317
  val ColorMap = 320
  val TileWidth = 322
  val TileLength = 323
  val TileOffsets = 324
  val TileByteCounts = 325
  val ExtraSamples = 338
  val SampleFormat = 339

  /** The value of `ExtraSamples` for colours that are multiplied by their alpha. */
  val PremultipliedAlpha = 1L

  /** The value of `ExtraSamples` for colours that are independent of their alpha. */
  val PlainAlpha = 2L
}
