package sparkvision.engine

import org.scalatest.funsuite.AnyFunSuite

class TiffStructureSuite extends AnyFunSuite {
  private val plain = "formats/made_tiff_plain.tif"

  private def refusal(bytes: Array[Byte]): String = intercept[ImageException](ImageDecoder.decode(bytes)).reason

  /** The plain TIFF with another first value of a tag that holds one short number. */
  private def withTag(tag: Int, value: Int): Array[Byte] = {
    val bytes = Fixtures.bytes(plain)
    val directory = new ByteReader(bytes, "TIFF").i32le(4)
    val entries = new ByteReader(bytes, "TIFF").u16le(directory)
    val entry = (0 until entries).map(directory + 2 + 12 * _).find(at => new ByteReader(bytes, "TIFF").u16le(at) == tag)
    bytes(entry.get + 8) = value.toByte
    bytes(entry.get + 9) = (value >> 8).toByte
    bytes
  }

  test("a strip that lies beyond the end of the file is refused, not read as black") {
    assert(refusal(Fixtures.bytes("corrupt/made_tiff_cut.tif")).startsWith("truncated TIFF"))
  }

  test("a strip whose data give too few samples is refused with both numbers") {
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

  test("a layout of samples that Pillow does not know is refused with what it is") {
    assert(refusal(withTag(TiffDirectory.Photometric, 77)).contains("photometric interpretation 77"))
  }

  test("BigTIFF has the pixels of the TIFF") {
    assert(Fixtures.pixels("formats/made_bigtiff.tif").rgb.sameElements(Fixtures.pixels(plain).rgb))
  }
}
