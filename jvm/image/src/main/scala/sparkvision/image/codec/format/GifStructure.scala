package sparkvision.image.codec.format

/** The canvas of a GIF (GIF89a specification, section 18) and its first frame. */
final private[sparkvision] class GifStructure(reader: ByteReader) extends ImageStructure(reader) {
  import GifStructure._

  override val header: ImageHeader = ImageHeader(ImageFormat.Gif, reader.u16le(6), reader.u16le(8))

  private lazy val frame: Frame = firstFrame(reader)

  /** Refuses a GIF that has no frame, or whose first frame's data blocks are cut off. */
  override def requireComplete(): Unit = {
    val _ = endOfBlocks(reader, frame.offset + 11 + colourTableLength(reader.u8(frame.offset + 9)))
  }

  /** The colour (red, green, blue) of the first frame's transparent index; None when no index is transparent. Pillow shows
    * this colour where a pixel is transparent, and where the frame does not cover the canvas.
    */
  lazy val transparentColour: Option[Array[Byte]] = {
    val local = colourTableLength(reader.u8(frame.offset + 9))
    val (table, length) = if (local > 0) (frame.offset + 10, local) else (13, colourTableLength(reader.u8(10)))
    frame.transparent.map { index =>
      if (length == 0) Array.fill(3)(index.toByte) // Without a colour table Pillow reads the indices as grey.
      else if (index * 3 >= length) Array.fill(3)(0: Byte)
      else reader.slice(table + index * 3, 3)
    }
  }
}

private object GifStructure {
  private val GraphicControl = 0xf9

  /** @param offset
    *   of the frame's descriptor
    * @param transparent
    *   the index that is transparent in the frame
    */
  final case class Frame(offset: Int, transparent: Option[Int])

  def firstFrame(reader: ByteReader): Frame = {
    var transparent: Option[Int] = None
    var offset = 13 + colourTableLength(reader.u8(10))
    while (reader.u8(offset) != ',') {
      if (reader.u8(offset) == ';') reader.corrupt("it holds no frame")
      if (reader.u8(offset) == '!') {
        if (reader.u8(offset + 1) == GraphicControl && (reader.u8(offset + 3) & 1) != 0)
          transparent = Some(reader.u8(offset + 6))
        offset = endOfBlocks(reader, offset + 2)
      } else offset += 1
    }
    Frame(offset, transparent)
  }

  def colourTableLength(flags: Int): Int = if ((flags & 0x80) != 0) 3 << ((flags & 7) + 1) else 0

  /** The offset behind a sequence of sub-blocks. Each is preceded by its length, and a length of 0 ends the sequence. */
  def endOfBlocks(reader: ByteReader, from: Int): Int = {
    var offset = from
    while (reader.u8(offset) != 0) {
      reader.need(offset, 1L + reader.u8(offset))
      offset += 1 + reader.u8(offset)
    }
    offset + 1
  }
}
