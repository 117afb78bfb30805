package sparkvision.image.codec

import java.nio.ByteBuffer

import scala.util.control.NonFatal

import org.bytedeco.javacpp.{BytePointer, PointerScope}
import org.bytedeco.opencv.global.opencv_core.{CV_8UC1, CV_8UC3}
import org.bytedeco.opencv.global.opencv_imgcodecs.{
  IMREAD_COLOR_RGB,
  IMREAD_IGNORE_ORIENTATION,
  IMREAD_REDUCED_GRAYSCALE_2,
  IMREAD_REDUCED_GRAYSCALE_4,
  IMREAD_REDUCED_GRAYSCALE_8,
  IMREAD_UNCHANGED,
  imdecode
}
import org.bytedeco.opencv.opencv_core.Mat

import sparkvision.image.codec.format.{GifStructure, ImageStructure, JpegStructure, PngStructure, TiffStructure}
import sparkvision.image.{ImageException, PixelRows, Pixels}

/** Decodes images with OpenCV, to 8-bit RGB as Pillow would convert their samples. */
private[codec] object NativeDecoder {
  val BytesPerPixel = 3

  /** The stored pixels of an image, not turned upright; those of a TIFF are upright.
    *
    * @param reduction
    *   the denominator by which a JPEG's sides are reduced: 1, 2, 4 or 8
    * @throws ImageException
    *   when the data are damaged
    * @throws ProviderException
    *   when OpenCV cannot be loaded on this machine
    */
  def decode(image: ImageStructure, reduction: Int = 1): PixelRows = {
    OpenCv.load()
    // A reduced side is rounded up.
    val header = image.header.copy(
      width = (image.header.width + reduction - 1) / reduction,
      height = (image.header.height + reduction - 1) / reduction
    )
    val memory = image match {
      case _: JpegStructure => DecodeBuffer.of(header.pixelCount * BytesPerPixel)
      case _ => None
    }
    val scope = new PointerScope()
    try {
      val bytes = encoded(image)
      val copy = new BytePointer(bytes.length.toLong).put(bytes, 0, bytes.length)
      // libjpeg writes every sample or fails, so the buffer's earlier content never remains.
      val target = memory.fold(new Mat())(new Mat(header.height, header.width, CV_8UC3, _))
      val decoded = imdecode(new Mat(1, bytes.length, CV_8UC1, copy), readFlags(image, reduction), target)
      if (decoded == null || decoded.empty())
        image.reader.corrupt("the decoder cannot read its data; open it in an image program and save it again")
      SampleConversion.toRgb(decoded, image, header, memory)
    } catch {
      case refusal: ImageException => throw refusal
      case NonFatal(failure) =>
        throw new ImageException(s"corrupt ${header.format}: ${nativeReason(failure)}", failure)
    } finally scope.close()
  }

  /** The file, changed where OpenCV would read it differently from Pillow. */
  private def encoded(image: ImageStructure): Array[Byte] = image match {
    case tiff: TiffStructure => tiff.withoutBlending
    case png: PngStructure => png.firstImageOnly
    case other => other.reader.bytes
  }

  /** OpenCV converts to 8-bit RGB, except for samples that Pillow converts in its own way; see [[SampleConversion]]. */
  private def readFlags(image: ImageStructure, reduction: Int): Int = {
    val asStored = image match {
      case png: PngStructure => png.isGrey16
      case tiff: TiffStructure => tiff.bitsPerSample > 8
      case gif: GifStructure => gif.transparentColour.isDefined
      case _ => false
    }
    if (asStored) IMREAD_UNCHANGED else IMREAD_COLOR_RGB | IMREAD_IGNORE_ORIENTATION | reductionFlag(reduction)
  }

  /** OpenCV's flags for a reduced image consist of the reduction and a bit for BGR. The flags for grey images do not have
    * this bit and can therefore be combined with the flag for RGB.
    */
  private def reductionFlag(reduction: Int): Int = reduction match {
    case 2 => IMREAD_REDUCED_GRAYSCALE_2
    case 4 => IMREAD_REDUCED_GRAYSCALE_4
    case 8 => IMREAD_REDUCED_GRAYSCALE_8
    case _ => 0
  }

  /** OpenCV's message without the path of its source file. */
  private def nativeReason(failure: Throwable): String =
    Option(failure.getMessage).getOrElse(failure.toString).linesIterator.mkString(" ").replaceFirst("^.*error: ", "")
}

/** Native memory for one decoded image, which each thread keeps for its next image.
  *
  * The operating system would clear the pages of a new block of this size, which takes as long as decoding a photograph.
  */
private[codec] object DecodeBuffer {

  /** Enough for 22 megapixels. Larger images are rare, and a thread does not keep more memory. */
  private val MostBytes = 64L << 20

  private val kept = new ThreadLocal[BytePointer]

  /** Memory of at least `bytes` bytes with unspecified content, valid until the next call of this thread; None when a thread
    * does not keep so much. Must not be called within a `PointerScope`, which would free the memory.
    */
  def of(bytes: Long): Option[BytePointer] = Option.when(bytes <= MostBytes) {
    Option(kept.get).filter(_.capacity >= bytes).getOrElse(grown(bytes))
  }

  private def grown(bytes: Long): BytePointer = {
    Option(kept.get).foreach(_.close())
    kept.remove()
    val memory = new BytePointer(bytes)
    kept.set(memory)
    memory
  }
}

/** A decoded image in native memory.
  *
  * @param bytes
  *   the decoder's memory, valid until this thread decodes the next image
  */
final private[sparkvision] class NativeRows(val width: Int, val height: Int, val bytes: ByteBuffer) extends PixelRows {

  override def toPixels: Pixels = {
    val rgb = new Array[Byte](height * width * 3)
    bytes.get(0, rgb)
    new Pixels(width, height, rgb)
  }
}
