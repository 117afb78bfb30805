package sparkvision.image.codec.format

import java.io.ByteArrayOutputStream
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.util.zip.{CRC32, DeflaterOutputStream}

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.codec.ImageDecoder
import sparkvision.image.{Fixtures, ImageException}

class PngStructureSuite extends AnyFunSuite {
  private val MiB = 1024 * 1024
  private val photo = "photos/cat_chelsea.png"

  /** A whole chunk: length, name, data, checksum. */
  private def chunk(name: String, data: Array[Byte]): Array[Byte] = {
    val crc = new CRC32
    crc.update(name.getBytes ++ data)
    ByteBuffer
      .allocate(12 + data.length)
      .putInt(data.length)
      .put(name.getBytes)
      .put(data)
      .putInt(crc.getValue.toInt)
      .array
  }

  private def deflated(length: Int): Array[Byte] = {
    val out = new ByteArrayOutputStream
    val deflater = new DeflaterOutputStream(out)
    deflater.write(Array.fill[Byte](length)('x'))
    deflater.close()
    out.toByteArray
  }

  private def compressedText(length: Int): Array[Byte] =
    chunk("zTXt", "Comment".getBytes ++ Array[Byte](0, 0) ++ deflated(length))

  /** The photo with many copies of one chunk behind the header. */
  private def withChunks(one: Array[Byte], times: Int): Array[Byte] = {
    val (header, rest) = Fixtures.bytes(photo).splitAt(8 + 25)
    val out = new ByteArrayOutputStream
    out.write(header)
    (0 until times).foreach(_ => out.write(one))
    out.write(rest)
    out.toByteArray
  }

  private def refusal(bytes: Array[Byte]): String = intercept[ImageException](ImageDecoder.decode(bytes)).reason

  test("a PNG with less than 64 MB of compressed text is decoded to the same pixels") {
    val pixels = ImageDecoder.decode(withChunks(compressedText(MiB), 63))
    assert(pixels.rgb.sameElements(Fixtures.pixels(photo).rgb))
  }

  test("a PNG with more than 64 MB of compressed text in small chunks is refused") {
    assert(refusal(withChunks(compressedText(MiB), 65)).contains(s"more than ${64 * MiB} bytes"))
  }

  test("a PNG with one chunk of more than 1 MB is refused") {
    assert(refusal(withChunks(compressedText(MiB + 1), 1)).contains("zTXt inflates to more than"))
  }

  test("uncompressed text counts as well") {
    val text = chunk("tEXt", "Comment".getBytes ++ Array[Byte](0) ++ new Array[Byte](MiB))
    assert(refusal(withChunks(text, 65)).contains(s"more than ${64 * MiB} bytes"))
  }

  test("a small compressed chunk takes little memory, so that many chunks take little time") {
    val bytes = withChunks(compressedText(10), 2000)
    ImageDecoder.decode(withChunks(compressedText(10), 1))
    val threads = ManagementFactory.getThreadMXBean.asInstanceOf[com.sun.management.ThreadMXBean]
    val before = threads.getCurrentThreadAllocatedBytes
    ImageDecoder.decode(bytes)
    val allocated = threads.getCurrentThreadAllocatedBytes - before
    info(s"$allocated bytes allocated for 2000 chunks")
    assert(allocated < 20L * MiB)
  }
}
