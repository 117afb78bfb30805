package sparkvision.image.codec.format

import scala.annotation.tailrec

/** The RIFF chunks of a WebP (WebP container specification; RFC 6386 section 9.1 for VP8). */
final private[sparkvision] class WebPStructure(reader: ByteReader) extends ImageStructure(reader) {
  import WebPStructure.FirstChunk

  override val header: ImageHeader = {
    val riffLength = reader.u32le(4)
    reader.need(8, riffLength)
    val name = reader.ascii(FirstChunk, 4)
    val (width, height) = size(FirstChunk)
      .getOrElse(reader.corrupt(s"its first chunk is ${printable(name)}, not VP8, VP8L or VP8X"))
    ImageHeader(ImageFormat.WebP, width, height, ExifOrientation.of(chunk("EXIF"), chunk("XMP ")))
  }

  /** The size that a chunk states; None for a chunk that states none. */
  private def size(offset: Int): Option[(Int, Int)] = {
    val data = offset + 8
    reader.ascii(offset, 4) match {
      case "VP8 " => Some((reader.u16le(data + 6) & 0x3fff, reader.u16le(data + 8) & 0x3fff))
      case "VP8L" =>
        val bits = reader.u32le(data + 1)
        Some(((bits & 0x3fff).toInt + 1, ((bits >> 14) & 0x3fff).toInt + 1))
      case "VP8X" => Some((reader.u24le(data + 4) + 1, reader.u24le(data + 7) + 1))
      case _ => None
    }
  }

  /** Refuses what the demuxer of libwebp, and with it Pillow, refuses: a chunk that is cut off, or a still image whose size
    * is not that of the canvas.
    */
  override def requireComplete(): Unit = if (reader.startsWith(FirstChunk, "VP8X")) {
    val end = 8 + reader.u32le(4)
    var offset = FirstChunk.toLong
    while (offset + 8 <= end) {
      val length = reader.u32le(offset.toInt + 4)
      if (offset + 8 + length > end)
        reader.corrupt(s"its chunk at offset $offset is cut off: fetch it again")
      if (reader.startsWith(offset.toInt, "VP8 ") || reader.startsWith(offset.toInt, "VP8L"))
        if (size(offset.toInt) != size(FirstChunk))
          reader.corrupt("the sizes of its image and of its canvas differ")
      offset += 8 + length + (length & 1)
    }
  }

  private def printable(name: String): String = name.map(char => if (char >= ' ' && char <= '~') char else '?')

  private def chunk(name: String): Option[Array[Byte]] = {
    @tailrec def from(offset: Long): Option[Array[Byte]] =
      if (offset + 8 > reader.length) None
      else {
        val length = reader.u32le(offset.toInt + 4)
        if (reader.startsWith(offset.toInt, name) && offset + 8 + length <= reader.length)
          Some(reader.slice(offset.toInt + 8, length.toInt))
        else from(offset + 8 + length + (length & 1)) // Chunks are padded to an even length.
      }
    from(FirstChunk.toLong)
  }
}

private object WebPStructure {

  /** The offset behind the RIFF header. */
  val FirstChunk = 12
}
