package sparkvision.image.codec

import org.bytedeco.javacpp.{BytePointer, IntPointer, PointerScope}
import org.bytedeco.opencv.global.opencv_core.CV_8UC3
import org.bytedeco.opencv.global.opencv_imgcodecs.{IMWRITE_JPEG_QUALITY, imencode}
import org.bytedeco.opencv.opencv_core.Mat

import sparkvision.image.Pixels

/** Encodes pixels as a JPEG file. */
private[sparkvision] object JpegEncoder {

  /** @param quality
    *   1 to 100, as libjpeg defines it
    * @throws ProviderException
    *   when OpenCV cannot be loaded on this machine
    */
  def encode(pixels: Pixels, quality: Int): Array[Byte] = {
    OpenCv.load()
    val scope = new PointerScope()
    try {
      val bgr = new BytePointer(pixels.rgb.length.toLong).put(Pixels.toOpenCv(pixels), 0, pixels.rgb.length)
      val file = new BytePointer()
      val parameters = new IntPointer(IMWRITE_JPEG_QUALITY, quality)
      imencode(".jpg", new Mat(pixels.height, pixels.width, CV_8UC3, bgr), file, parameters)
      val bytes = new Array[Byte](file.limit().toInt)
      file.get(bytes)
      bytes
    } finally scope.close()
  }
}
