package sparkvision.engine

import scala.annotation.tailrec

/** A WebP's size and orientation, from its RIFF chunks (WebP container specification; RFC 6386 section 9.1 for VP8). */
private[engine] object WebPStructure {
  private val FirstChunk = 12

  def readHeader(reader: ByteReader): ImageHeader = {
    val riffLength = reader.u32le(4)
    reader.need(8, riffLength)
    val data = FirstChunk + 8
    val (width, height) = reader.ascii(FirstChunk, 4) match {
      case "VP8 " => (reader.u16le(data + 6) & 0x3fff, reader.u16le(data + 8) & 0x3fff)
      case "VP8L" =>
        val bits = reader.u32le(data + 1)
        ((bits & 0x3fff).toInt + 1, ((bits >> 14) & 0x3fff).toInt + 1)
      case "VP8X" => (reader.u24le(data + 4) + 1, reader.u24le(data + 7) + 1)
      case other => reader.corrupt(s"its first chunk is ${printable(other)}, not VP8, VP8L or VP8X")
    }
    ImageHeader(ImageFormat.WebP, width, height, ExifOrientation.of(chunk(reader, "EXIF"), chunk(reader, "XMP ")))
  }

  private def printable(name: String): String = name.map(char => if (char >= ' ' && char <= '~') char else '?')

  private def chunk(reader: ByteReader, name: String): Option[Array[Byte]] = {
    @tailrec def from(offset: Long): Option[Array[Byte]] =
      if (offset + 8 > reader.length) None
      else {
        val length = reader.u32le(offset.toInt + 4)
        if (reader.startsWith(offset.toInt, name) && offset + 8 + length <= reader.length)
          Some(reader.slice(offset.toInt + 8, length.toInt))
        else from(offset + 8 + length + (length & 1)) // chunks are padded to an even length
      }
    from(FirstChunk.toLong)
  }
}
