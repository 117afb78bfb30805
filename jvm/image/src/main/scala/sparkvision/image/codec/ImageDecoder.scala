package sparkvision.image.codec

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

import sparkvision.image.codec.color.{JpegInks, SampleConversion}
import sparkvision.image.codec.format.{
  ByteReader,
  GifStructure,
  ImageFormat,
  ImageHeader,
  JpegStructure,
  PngStructure,
  WebPStructure
}
import sparkvision.image.codec.tiff.TiffStructure
import sparkvision.image.{ImageException, ImageMemory, Orientation, PixelRows, PixelSize, Pixels, SparkVisionException}

/** Encoded bytes to upright 8-bit RGB, as Pillow's `ImageOps.exif_transpose(Image.open(file)).convert("RGB")` makes
  * them.
  *
  * Byte-equal to Pillow 13, or refused with a reason: docs/exactness.md lists what was measured, variant by variant, and
  * the few exceptions. Alpha is dropped, not blended; of an animation or of several pages the first image is taken.
  */
object ImageDecoder {

  /** Twice Pillow's `MAX_IMAGE_PIXELS`: from there on Pillow raises `DecompressionBombError`. */
  val DefaultMaxPixels: Long = 178956970L

  private val BytesPerPixel = 3

  /** Decodes one image.
    *
    * @param bytes
    *   the encoded file: JPEG, PNG, GIF, BMP, WebP or TIFF
    * @param maxPixels
    *   refuse an image of more pixels than this before anything is allocated for it
    * @throws ImageException
    *   when the image is empty, of another format, too large (for `maxPixels` or for this process's memory), or damaged
    *   (never half an image)
    * @throws ProviderException
    *   when the native decoder cannot be loaded on this machine
    * @example
    *   {{{
    *   val pixels = ImageDecoder.decode(java.nio.file.Files.readAllBytes(path))
    *   pixels.rgb.length == pixels.width * pixels.height * 3
    *   }}}
    */
  def decode(bytes: Array[Byte], maxPixels: Long = DefaultMaxPixels): Pixels =
    kept(rows(bytes, maxPixels))

  /** Decodes one image, of a large JPEG only as much as a resize to a smaller size needs: a half, a quarter or an eighth
    * of its size, the pixels of Pillow's `Image.draft("RGB", (width, height))`. All else is decoded as by [[decode]]:
    * other formats, JPEGs with four inks, and those that are not at least twice as large as the target.
    *
    * @param bytes
    *   the encoded file
    * @param maxPixels
    *   refuse an image of more pixels than this, before any reduction
    * @param target
    *   from the size of the upright image to the smallest that will do. Of an image that EXIF turns on its side, Pillow
    *   takes the size as it is stored, so there the target's height is Pillow's width
    * @throws ImageException
    *   as [[decode]]
    * @throws ProviderException
    *   as [[decode]]
    * @example
    *   {{{ImageDecoder.draft(photo)(_ => PixelSize(224, 224)) // 500 x 375 of a photo of 4000 x 3000}}}
    */
  def draft(bytes: Array[Byte], maxPixels: Long = DefaultMaxPixels)(target: PixelSize => PixelSize): Pixels =
    kept(draftRows(bytes, maxPixels)(target))

  /** [[decode]], for one who is done with the image before this thread decodes another: it may lie in memory that the
    * decoder uses again.
    */
  private[sparkvision] def rows(bytes: Array[Byte], maxPixels: Long): PixelRows = draftRows(bytes, maxPixels)(identity)

  /** [[draft]], of which the same holds. */
  private[sparkvision] def draftRows(bytes: Array[Byte], maxPixels: Long)(target: PixelSize => PixelSize): PixelRows =
    try decodeComplete(bytes, maxPixels, target)
    catch {
      case known: SparkVisionException => throw known
      // A mistake of ours costs this one image, and not the job. The fuzzes look for these words.
      case NonFatal(mistake) =>
        throw new ImageException(
          s"the decoder failed unexpectedly ($mistake): please report it with the image",
          mistake
        )
    }

  private def kept(rows: PixelRows): Pixels = ImageMemory.refusing(rows.width, rows.height)(rows.toPixels)

  private def decodeComplete(bytes: Array[Byte], maxPixels: Long, target: PixelSize => PixelSize): PixelRows = {
    val header = ImageHeader.read(bytes)
    requireSize(header, maxPixels)
    val reader = new ByteReader(bytes, header.format.name)
    requireComplete(header.format, reader)
    ImageMemory.refusing(header.width, header.height)(upright(header, reader, target))
  }

  private def upright(header: ImageHeader, reader: ByteReader, target: PixelSize => PixelSize): PixelRows = {
    def all = byOpenCv(header, reader, readFlags(header.format, reader))
    header.format match {
      // libtiff, unlike the others, hands the page over upright already.
      case ImageFormat.Tiff => TiffStructure.pixels(header, reader).getOrElse(all)
      case ImageFormat.Jpeg =>
        val stored = JpegStructure.inks(reader) match {
          case Some(adobeTransform) => JpegInks.toRgb(header, reader, adobeTransform)
          case None =>
            val reduction = JpegDraft.reduction(header, target(PixelSize(header.uprightHeight, header.uprightWidth)))
            byOpenCv(JpegDraft.reduced(header, reduction), reader, EightBitRgb | reductionFlag(reduction))
        }
        Orientation.upright(stored, header.orientation)
      case _ => Orientation.upright(all, header.orientation)
    }
  }

  private def requireSize(header: ImageHeader, maxPixels: Long): Unit = {
    val most = math.min(maxPixels, Int.MaxValue.toLong / BytesPerPixel)
    if (header.pixelCount > most)
      throw new ImageException(
        s"too large: ${header.width} x ${header.height} is ${header.pixelCount} pixels, and at most $most are read; " +
          "raise maxImagePixels if you trust the image"
      )
  }

  private def requireComplete(format: ImageFormat, reader: ByteReader): Unit = format match {
    case ImageFormat.Jpeg => JpegStructure.requireComplete(reader)
    case ImageFormat.Png => PngStructure.requireComplete(reader)
    case ImageFormat.Gif => GifStructure.requireComplete(reader)
    case ImageFormat.WebP => WebPStructure.requireComplete(reader)
    case _ => ()
  }

  /** @param header
    *   with the size that the decoder is to give
    */
  private def byOpenCv(header: ImageHeader, reader: ByteReader, flags: Int): PixelRows = {
    OpenCv.load()
    val memory = if (header.format == ImageFormat.Jpeg) DecodeBuffer.of(header.pixelCount * BytesPerPixel) else None
    val scope = new PointerScope()
    try {
      val bytes = header.format match {
        case ImageFormat.Tiff => TiffStructure.withoutBlending(reader)
        case ImageFormat.Png => PngStructure.imageAlone(reader)
        case _ => reader.bytes
      }
      val copy = new BytePointer(bytes.length.toLong).put(bytes, 0, bytes.length)
      val encoded = new Mat(1, bytes.length, CV_8UC1, copy)
      // libjpeg writes every sample or fails, so nothing of the image before shows through.
      val target = memory.fold(new Mat())(new Mat(header.height, header.width, CV_8UC3, _))
      val decoded = imdecode(encoded, flags, target)
      if (decoded == null || decoded.empty())
        reader.corrupt("the decoder cannot read its data; open it in an image program and save it anew")
      SampleConversion.toRgb(decoded, header, reader, memory)
    } catch {
      case refusal: ImageException => throw refusal
      case NonFatal(failure) =>
        throw new ImageException(s"corrupt ${header.format}: ${nativeReason(failure)}", failure)
    } finally scope.close()
  }

  /** 8-bit RGB straight from the decoder, but where Pillow brings the samples to RGB in its own way: see
    * SampleConversion.
    */
  private def readFlags(format: ImageFormat, reader: ByteReader): Int = {
    val asStored = format match {
      case ImageFormat.Png => PngStructure.samples(reader).isGrey16
      case ImageFormat.Tiff => TiffStructure.bitsPerSample(reader) > 8
      case ImageFormat.Gif => GifStructure.transparentColour(reader).isDefined
      case _ => false
    }
    if (asStored) IMREAD_UNCHANGED else EightBitRgb
  }

  private val EightBitRgb = IMREAD_COLOR_RGB | IMREAD_IGNORE_ORIENTATION

  /** OpenCV's flags for a reduced image are the reduction and a bit for BGR. The grey ones lack that bit, so that they can
    * stand beside the one for RGB.
    */
  private def reductionFlag(reduction: Int): Int = reduction match {
    case 2 => IMREAD_REDUCED_GRAYSCALE_2
    case 4 => IMREAD_REDUCED_GRAYSCALE_4
    case 8 => IMREAD_REDUCED_GRAYSCALE_8
    case _ => 0
  }

  /** OpenCV's message without the path of its own source file. */
  private def nativeReason(failure: Throwable): String =
    Option(failure.getMessage).getOrElse(failure.toString).linesIterator.mkString(" ").replaceFirst("^.*error: ", "")
}
