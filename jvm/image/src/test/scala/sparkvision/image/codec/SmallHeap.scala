package sparkvision.image.codec

import java.nio.file.{Files, Path}

import scala.util.Using

import org.bytedeco.opencv.global.opencv_core.CV_8UC3
import org.bytedeco.opencv.global.opencv_imgcodecs.imwrite
import org.bytedeco.opencv.opencv_core.{Mat, Scalar}

/** Runs programs in a JVM whose heap cannot hold a large image. */
object SmallHeap {

  /** The path of a JPEG file of `side` x `side` pixels.
    *
    * @param exif
    *   bytes that follow the first marker of the file
    */
  def jpeg(side: Int, exif: Array[Byte] = Array.emptyByteArray): String = {
    OpenCv.load()
    val file = Files.createTempFile("large", ".jpg")
    Using.resource(new Mat(side, side, CV_8UC3, new Scalar(90, 120, 30, 0)))(imwrite(file.toString, _))
    val (start, rest) = Files.readAllBytes(file).splitAt(2)
    Files.write(file, start ++ exif ++ rest).toString
  }

  /** The output of a program in a JVM with a small heap; fails when the program does. */
  def printed(heap: String, main: String, arguments: String*): String = {
    val java = Path.of(sys.props("java.home"), "bin", "java").toString
    val command = Seq(java, s"-Xmx$heap", "-cp", sys.props("java.class.path"), main) ++ arguments
    val process = new ProcessBuilder(command: _*).redirectErrorStream(true).start()
    val output = new String(process.getInputStream.readAllBytes())
    require(process.waitFor() == 0, output)
    output
  }
}
