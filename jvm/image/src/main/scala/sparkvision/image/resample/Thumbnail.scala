package sparkvision.image.resample

import org.bytedeco.javacpp.{BytePointer, IntPointer, PointerScope}
import org.bytedeco.opencv.global.opencv_core.CV_8UC3
import org.bytedeco.opencv.global.opencv_imgcodecs.{IMWRITE_JPEG_QUALITY, imencode}
import org.bytedeco.opencv.opencv_core.Mat

import sparkvision.image.codec.OpenCv
import sparkvision.image.{ParameterException, Pixels}

/** An image made small, to look at: what pages show. */
object Thumbnail {
  private val Quality = 80

  /** A JPEG file of the whole image.
    *
    * @param side
    *   the longer side, in pixels; a smaller image is not made larger
    * @throws ParameterException
    *   when `side` is not positive
    * @example
    *   {{{Thumbnail.jpeg(ImageDecoder.decode(bytes), side = 128)}}}
    */
  def jpeg(pixels: Pixels, side: Int): Array[Byte] = {
    if (side <= 0) throw new ParameterException(s"a thumbnail's side is $side pixels; give at least 1")
    val shrink = math.min(1.0, side.toDouble / math.max(pixels.width, pixels.height))
    def scaled(length: Int): Int = math.max(1, math.round(length * shrink).toInt)
    encoded(Resample.resize(pixels, scaled(pixels.width), scaled(pixels.height), ResampleFilter.Box))
  }

  private def encoded(small: Pixels): Array[Byte] = {
    OpenCv.load()
    val scope = new PointerScope()
    try {
      val bgr = new BytePointer(small.rgb.length.toLong).put(Pixels.toOpenCv(small), 0, small.rgb.length)
      val file = new BytePointer()
      imencode(
        ".jpg",
        new Mat(small.height, small.width, CV_8UC3, bgr),
        file,
        new IntPointer(IMWRITE_JPEG_QUALITY, Quality)
      )
      val bytes = new Array[Byte](file.limit().toInt)
      file.get(bytes)
      bytes
    } finally scope.close()
  }
}
