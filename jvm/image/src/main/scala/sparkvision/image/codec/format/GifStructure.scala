package sparkvision.image.codec.format

/** A GIF's canvas (GIF89a specification, section 18), whether its first frame is whole, and what shows through it. */
private[sparkvision] object GifStructure {
  private val GraphicControl = 0xf9

  def readHeader(reader: ByteReader): ImageHeader =
    ImageHeader(ImageFormat.Gif, reader.u16le(6), reader.u16le(8))

  /** Where the first frame's descriptor lies, and the index that is transparent in that frame. */
  private final case class Frame(offset: Int, transparent: Option[Int])

  /** Refuses a GIF that has no frame, or whose first frame's data blocks are cut off. */
  def requireComplete(reader: ByteReader): Unit = {
    val frame = firstFrame(reader).offset
    val _ = endOfBlocks(reader, frame + 11 + colourTableLength(reader.u8(frame + 9)))
  }

  /** The colour (red, green, blue) behind the first frame's transparent index; None when nothing is transparent.
    * Pillow shows it where a pixel is transparent, and where the frame leaves the canvas uncovered.
    */
  def transparentColour(reader: ByteReader): Option[Array[Byte]] = {
    val frame = firstFrame(reader)
    val local = colourTableLength(reader.u8(frame.offset + 9))
    val (table, length) = if (local > 0) (frame.offset + 10, local) else (13, colourTableLength(reader.u8(10)))
    frame.transparent.map { index =>
      if (length == 0) Array.fill(3)(index.toByte) // no colour table: Pillow reads the indices as grey
      else if (index * 3 >= length) Array.fill(3)(0: Byte)
      else reader.slice(table + index * 3, 3)
    }
  }

  private def firstFrame(reader: ByteReader): Frame = {
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

  private def colourTableLength(flags: Int): Int = if ((flags & 0x80) != 0) 3 << ((flags & 7) + 1) else 0

  /** Sub-blocks are each preceded by their length; a length of 0 ends them. */
  private def endOfBlocks(reader: ByteReader, from: Int): Int = {
    var offset = from
    while (reader.u8(offset) != 0) {
      reader.need(offset, 1L + reader.u8(offset))
      offset += 1 + reader.u8(offset)
    }
    offset + 1
  }
}
