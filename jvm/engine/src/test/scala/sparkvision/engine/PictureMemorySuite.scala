package sparkvision.engine

import java.nio.file.{Files, Path}

import scala.util.Using

import org.bytedeco.opencv.global.opencv_core.CV_8UC3
import org.bytedeco.opencv.global.opencv_imgcodecs.imwrite
import org.bytedeco.opencv.opencv_core.{Mat, Scalar}
import org.scalatest.funsuite.AnyFunSuite

class PictureMemorySuite extends AnyFunSuite {

  private val Side = 6000 // 108 MB of pixels

  private def largeJpeg(): Path = {
    OpenCv.load()
    val file = Files.createTempFile("large", ".jpg")
    Using.resource(new Mat(Side, Side, CV_8UC3, new Scalar(90, 120, 30, 0)))(imwrite(file.toString, _))
    file
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

  test("a picture that the heap cannot hold is refused with its size, and the next one is read") {
    val next = Fixtures.path("photos/cat_chelsea.png").toString
    val output = printed("64m", classOf[DecodeInSmallHeap].getName, largeJpeg().toString, next)
    assert(output.contains(s"too large for this process's memory: $Side x $Side; lower maxImagePixels"))
    assert(output.contains("decoded 451 x 300"))
  }

  test("a picture whose resampling the heap cannot hold is refused with its size, and the next one is prepared") {
    val output = printed("48m", classOf[ResampleInSmallHeap].getName)
    assert(output.contains("too large for this process's memory: 1 x 5000000"))
    assert(output.contains("prepared 3072 floats"))
  }
}

/** Decodes the pictures it is given; run as a program. */
final class DecodeInSmallHeap

object DecodeInSmallHeap {
  def main(pictures: Array[String]): Unit = pictures.foreach { picture =>
    try {
      val pixels = ImageDecoder.decode(Files.readAllBytes(Path.of(picture)))
      println(s"decoded ${pixels.width} x ${pixels.height}")
    } catch { case e: ImageException => println(e.reason) }
  }
}

/** Prepares a picture so high that its resampling weights alone take 40 MB, and then a small one; run as a program. */
final class ResampleInSmallHeap

object ResampleInSmallHeap {
  def main(arguments: Array[String]): Unit =
    Using.resource(new LocalModel(ModelBundle.open(Bundles.digits()))) { model =>
      val pictures = Iterator(5000000, 1).map(height => new Pixels(1, height, new Array[Byte](3 * height)))
      model.preprocessed(pictures)(Picture.Decoded).map(_._2).foreach {
        case Right(floats) => println(s"prepared ${floats.length} floats")
        case Left(reason) => println(reason)
      }
    }
}
