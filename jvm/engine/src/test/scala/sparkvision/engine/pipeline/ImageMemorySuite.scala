package sparkvision.engine.pipeline

import java.nio.file.{Files, Path}
import java.util.HexFormat

import scala.util.Using

import org.bytedeco.opencv.global.opencv_core.CV_8UC3
import org.bytedeco.opencv.global.opencv_imgcodecs.imwrite
import org.bytedeco.opencv.opencv_core.{Mat, Scalar}
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{Bundles, ModelBundle}
import sparkvision.engine.session.ModelListener
import sparkvision.image.codec.format.ImageHeader
import sparkvision.image.codec.{ImageDecoder, OpenCv}
import sparkvision.image.{Fixtures, ImageException, ImageInput, PixelRows, Pixels}

class ImageMemorySuite extends AnyFunSuite {

  /** @param exif
    *   bytes to put in behind the file's first marker
    */
  private def jpeg(side: Int, exif: Array[Byte] = Array.emptyByteArray): String = {
    OpenCv.load()
    val file = Files.createTempFile("large", ".jpg")
    Using.resource(new Mat(side, side, CV_8UC3, new Scalar(90, 120, 30, 0)))(imwrite(file.toString, _))
    val (start, rest) = Files.readAllBytes(file).splitAt(2)
    Files.write(file, start ++ exif ++ rest).toString
  }

  /** What a JVM with a small heap prints. */
  private def printed(heap: String, main: String, arguments: String*): String = {
    val java = Path.of(sys.props("java.home"), "bin", "java").toString
    val command = Seq(java, s"-Xmx$heap", "-cp", sys.props("java.class.path"), main) ++ arguments
    val process = new ProcessBuilder(command: _*).redirectErrorStream(true).start()
    val output = new String(process.getInputStream.readAllBytes())
    assert(process.waitFor() == 0, output)
    output
  }

  test("an image that the heap cannot hold is refused with its size, and the next one is read") {
    val next = Fixtures.path("photos/cat_chelsea.png").toString
    // 108 MB of pixels.
    val output = printed("64m", classOf[DecodeInSmallHeap].getName, jpeg(6000), next)
    assert(output.contains("too large for this process's memory: 6000 x 6000; lower maxImagePixels"))
    assert(output.contains("decoded 451 x 300"))
  }

  test("an image that EXIF turns takes the heap once") {
    // A big-endian TIFF directory of one entry: orientation 6.
    val exif = HexFormat.of.parseHex(
      "ffe1002245786966" + "00004d4d002a00000008" + "0001" + "011200030000000100060000" + "00000000"
    )
    // 61 MB of pixels.
    val output = printed("110m", classOf[DecodeInSmallHeap].getName, jpeg(4500, exif))
    assert(output.contains("decoded 4500 x 4500 from orientation 6"))
  }

  test("an image of which a listener can keep no copy is refused with its size, and the next one is prepared") {
    val next = Fixtures.path("photos/cat_chelsea.png").toString
    // The decoder's own memory, which is no heap, holds its 61 MB.
    val output = printed("64m", classOf[KeepInSmallHeap].getName, jpeg(4500), next)
    assert(output.contains("too large for this process's memory: 4500 x 4500"))
    assert(output.contains("kept 451 x 300\nprepared 3072 floats"))
  }

  test("an image whose resampling the heap cannot hold is refused with its size, and the next one is prepared") {
    val output = printed("48m", classOf[ResampleInSmallHeap].getName)
    assert(output.contains("too large for this process's memory: 1 x 5000000"))
    assert(output.contains("prepared 3072 floats"))
  }
}

object ImageMemorySuite {
  def print(prepared: Either[String, Array[Float]]): Unit =
    println(prepared.fold(identity, floats => s"prepared ${floats.length} floats"))
}

/** Decodes the images it is given; run as a program. */
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

/** Prepares the images it is given, and keeps copies of their pixels; run as a program. */
final class KeepInSmallHeap

object KeepInSmallHeap {
  private val keeping = new ModelListener {
    override def decoded(encoded: Array[Byte], pixels: PixelRows, nanos: Long): Unit = {
      val kept = pixels.toPixels
      println(s"kept ${kept.width} x ${kept.height}")
    }
  }

  def main(images: Array[String]): Unit =
    Using.resource(new LocalModel(ModelBundle.open(Bundles.digits()), ModelSettings(), keeping)) { model =>
      val files = images.iterator.map(image => Files.readAllBytes(Path.of(image)))
      model.preprocessed(files)(ImageInput.Encoded).map(_._2).foreach(ImageMemorySuite.print)
    }
}

/** Prepares an image so high that its resampling weights alone take 40 MB, and then a small one; run as a program. */
final class ResampleInSmallHeap

object ResampleInSmallHeap {
  def main(arguments: Array[String]): Unit =
    Using.resource(new LocalModel(ModelBundle.open(Bundles.digits()))) { model =>
      val images = Iterator(5000000, 1).map(height => new Pixels(1, height, new Array[Byte](3 * height)))
      model.preprocessed(images)(ImageInput.Decoded).map(_._2).foreach(ImageMemorySuite.print)
    }
}
