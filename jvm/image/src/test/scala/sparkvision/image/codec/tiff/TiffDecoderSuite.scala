package sparkvision.image.codec.tiff

import java.nio.{ByteBuffer, ByteOrder}

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.codec.ImageDecoder
import sparkvision.image.codec.format.{ByteReader, TiffDirectory}
import sparkvision.image.{Fixtures, ImageException}

class TiffDecoderSuite extends AnyFunSuite {
  private val plain = "formats/made_tiff_plain.tif"

  private def refusal(bytes: Array[Byte]): String = intercept[ImageException](ImageDecoder.decode(bytes)).reason

  /** The uncompressed TIFF in which a tag with one 16-bit number has another value. */
  private def withTag(tag: Int, value: Int): Array[Byte] = {
    val bytes = Fixtures.bytes(plain)
    val entry = entryOf(bytes, tag)
    bytes(entry + 8) = value.toByte
    bytes(entry + 9) = (value >> 8).toByte
    bytes
  }

  private def entryOf(bytes: Array[Byte], tag: Int): Int = {
    val reader = new ByteReader(bytes, "TIFF")
    val directory = reader.i32le(4)
    (0 until reader.u16le(directory)).map(directory + 2 + 12 * _).find(reader.u16le(_) == tag).get
  }

  /** Replaces the number of a tag in place and, if `value` is given, the value by one of 32 bits. */
  private def retag(bytes: Array[Byte], from: Int, to: Int, value: Option[Int]): Unit = {
    val entry = entryOf(bytes, from)
    val fields = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putShort(entry, to.toShort)
    value.foreach(number => fields.putShort(entry + 2, 4).putInt(entry + 4, 1).putInt(entry + 8, number))
  }

  test("a strip beyond the end of the file is refused") {
    assert(refusal(Fixtures.bytes("corrupt/made_tiff_cut.tif")).startsWith("truncated TIFF"))
  }

  test("a strip with too few samples is refused with both numbers") {
    val reason = refusal(Fixtures.bytes("corrupt/made_tiff_lzw_damaged.tif"))
    info(reason)
    assert(reason.matches("corrupt TIFF: its strip or tile \\d+ gives \\d+ bytes and \\d+ are needed.*"))
  }

  test("a compression that is not supported is refused by its name") {
    assert(refusal(withTag(TiffDirectory.Compression, 50000)).contains("its compression is Zstandard"))
  }

  test("CIELab is refused by its name") {
    assert(refusal(withTag(TiffDirectory.Photometric, 8)).contains("CIELab"))
  }

  test("a layout of samples that Pillow does not support is refused with its description") {
    assert(refusal(withTag(TiffDirectory.Photometric, 77)).contains("photometric interpretation 77"))
  }

  test("tiles that are wider than the memory are refused") {
    val bytes = Fixtures.bytes(plain)
    retag(bytes, TiffDirectory.RowsPerStrip, TiffDirectory.TileWidth, Some(Int.MaxValue))
    retag(bytes, TiffDirectory.StripByteCounts, TiffDirectory.TileLength, None)
    retag(bytes, TiffDirectory.StripOffsets, TiffDirectory.TileOffsets, None)
    val reason = refusal(bytes)
    info(reason)
    assert(reason.startsWith("too large"))
  }

  test("an offset and a length of 64 bits whose sum overflows are refused") {
    val reader = new ByteReader(new Array[Byte](8), "BigTIFF")
    val refused = intercept[ImageException](reader.need((1L << 62) + 4, 1L << 62))
    assert(refused.reason.startsWith("truncated BigTIFF"))
  }

  test("BigTIFF has the pixels of the TIFF") {
    assert(Fixtures.pixels("formats/made_bigtiff.tif").rgb.sameElements(Fixtures.pixels(plain).rgb))
  }
}
