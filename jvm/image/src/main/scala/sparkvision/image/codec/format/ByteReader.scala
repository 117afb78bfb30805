package sparkvision.image.codec.format

import java.nio.charset.StandardCharsets.ISO_8859_1

import sparkvision.image.ImageException

/** Bounds-checked reads from the encoded bytes of an image. Reading past the end throws an `ImageException` that states the
  * offset, instead of an `ArrayIndexOutOfBoundsException`.
  */
private[sparkvision] final class ByteReader(val bytes: Array[Byte], formatName: String) {
  def length: Int = bytes.length

  def u8(offset: Int): Int = { need(offset, 1); bytes(offset) & 0xff }
  def u16be(offset: Int): Int = (u8(offset) << 8) | u8(offset + 1)
  def u16le(offset: Int): Int = u8(offset) | (u8(offset + 1) << 8)
  def u24le(offset: Int): Int = u16le(offset) | (u8(offset + 2) << 16)
  def u32be(offset: Int): Long = (u16be(offset).toLong << 16) | u16be(offset + 2)
  def u32le(offset: Int): Long = u16le(offset).toLong | (u16le(offset + 2).toLong << 16)
  def i32le(offset: Int): Int = u32le(offset).toInt
  def u16(offset: Int, bigEndian: Boolean): Int = if (bigEndian) u16be(offset) else u16le(offset)
  def u32(offset: Int, bigEndian: Boolean): Long = if (bigEndian) u32be(offset) else u32le(offset)

  def ascii(offset: Int, count: Int): String = { need(offset, count); new String(bytes, offset, count, ISO_8859_1) }
  def slice(offset: Int, count: Int): Array[Byte] = {
    need(offset, count); java.util.Arrays.copyOfRange(bytes, offset, offset + count)
  }
  def startsWith(offset: Int, text: String): Boolean =
    offset >= 0 && text.length.toLong + offset <= length && ascii(offset, text.length) == text

  /** Refuses the image unless `count` bytes lie at `offset`. */
  def need(offset: Long, count: Long): Unit =
    // The sum `offset + count` could overflow: a BigTIFF has 64-bit numbers.
    if (offset < 0 || count < 0 || offset > length - count)
      throw new ImageException(
        s"truncated $formatName: $count bytes are needed at offset $offset, but the file has $length bytes; " +
          "fetch the file again"
      )

  /** Refuses the image as damaged. */
  def corrupt(what: String): Nothing = throw new ImageException(s"corrupt $formatName: $what")
}
