package sparkvision.image.codec

import java.nio.file.{Files, Path}
import java.util.HexFormat

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.codec.format.ImageHeader
import sparkvision.image.{Fixtures, ImageException}

class ImageMemorySuite extends AnyFunSuite {
  test("an image that the heap cannot hold is refused with its size, and the next one is read") {
    val next = Fixtures.path("photos/cat_chelsea.png").toString
    // 108 MB of pixels.
    val output = SmallHeap.printed("64m", classOf[DecodeInSmallHeap].getName, SmallHeap.jpeg(6000), next)
    assert(output.contains("too large for this process's memory: 6000 x 6000; lower maxImagePixels"))
    assert(output.contains("decoded 451 x 300"))
  }

  test("an image that EXIF turns takes the memory of one image") {
    // A big-endian TIFF directory of one entry: orientation 6.
    val exif = HexFormat.of.parseHex(
      "ffe1002245786966" + "00004d4d002a00000008" + "0001" + "011200030000000100060000" + "00000000"
    )
    // 61 MB of pixels.
    val output = SmallHeap.printed("110m", classOf[DecodeInSmallHeap].getName, SmallHeap.jpeg(4500, exif))
    assert(output.contains("decoded 4500 x 4500 from orientation 6"))
  }
}

/** Decodes the images that it is given; run as a program. */
final class DecodeInSmallHeap

object DecodeInSmallHeap {
  def main(images: Array[String]): Unit = images.foreach { image =>
    try {
      val pixels = ImageDecoder.decode(Files.readAllBytes(Path.of(image)))
      val orientation = ImageHeader.read(Files.readAllBytes(Path.of(image))).orientation
      println(s"decoded ${pixels.width} x ${pixels.height} from orientation $orientation")
    } catch { case e: ImageException => println(e.reason) }
  }
}
