package sparkvision.image.codec

import scala.util.control.NonFatal

import sparkvision.image.codec.color.JpegInks
import sparkvision.image.codec.format.{ImageHeader, ImageStructure, JpegStructure, TiffStructure}
import sparkvision.image.codec.tiff.TiffDecoder
import sparkvision.image.{
  ImageException,
  ImageMemory,
  NamedValue,
  NamedValues,
  Orientation,
  PixelRows,
  PixelSize,
  Pixels,
  SparkVisionException
}

/** Decodes image files to upright 8-bit RGB, like Pillow's `ImageOps.exif_transpose(Image.open(file)).convert("RGB")`.
  *
  * The pixels are byte-equal to those of Pillow 13, or the image is refused with a reason; docs/exactness.md lists the few
  * exceptions. Alpha is dropped and not blended. Of an animation or of several pages the first image is decoded.
  */
object ImageDecoder {

  /** Twice Pillow's `MAX_IMAGE_PIXELS`. Pillow raises `DecompressionBombError` for an image of more pixels. */
  val DefaultMaxPixels: Long = 178956970L

  /** Decodes one image.
    *
    * @param bytes
    *   the encoded file: JPEG, PNG, GIF, BMP, WebP or TIFF
    * @param maxPixels
    *   an image of more pixels is refused before memory is allocated for it
    * @throws ImageException
    *   when the file is empty, of another format, too large (for `maxPixels` or for the memory of this process), or damaged;
    *   an incomplete image is never returned
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

  /** Decodes one image. A JPEG that is at least twice as large as the target is decoded at a half, a quarter or an eighth of
    * its size, to the pixels of Pillow's `Image.draft("RGB", (width, height))`. Other formats, JPEGs with four inks and
    * smaller JPEGs are decoded as by [[decode]].
    *
    * @param bytes
    *   the encoded file
    * @param maxPixels
    *   an image of more pixels than this, before any reduction, is refused
    * @param target
    *   returns, for the size of the upright image, the smallest size that is sufficient. Pillow's `draft` takes the size as
    *   it is stored: for an image that EXIF turns by a quarter, the target's height is Pillow's width
    * @throws ImageException
    *   as [[decode]]
    * @throws ProviderException
    *   as [[decode]]
    * @example
    *   {{{ImageDecoder.draft(photo)(_ => PixelSize(224, 224)) // 500 x 375 of a photo of 4000 x 3000}}}
    */
  def draft(bytes: Array[Byte], maxPixels: Long = DefaultMaxPixels)(target: PixelSize => PixelSize): Pixels =
    kept(draftRows(bytes, maxPixels)(target))

  /** Decodes like [[decode]], into memory that the decoder may use again: the rows are valid until this thread decodes the
    * next image.
    */
  private[sparkvision] def rows(bytes: Array[Byte], maxPixels: Long): PixelRows = draftRows(bytes, maxPixels)(identity)

  /** Decodes like [[draft]], into memory like that of [[rows]]. */
  private[sparkvision] def draftRows(bytes: Array[Byte], maxPixels: Long)(target: PixelSize => PixelSize): PixelRows =
    try decodeComplete(bytes, maxPixels, target)
    catch {
      case known: SparkVisionException => throw known
      // An error in the decoder's own code must not fail the job. The fuzz tests search for this text.
      case NonFatal(mistake) =>
        throw new ImageException(
          s"the decoder failed unexpectedly ($mistake): please report it with the image",
          mistake
        )
    }

  private def kept(rows: PixelRows): Pixels = ImageMemory.refusing(rows.width, rows.height)(rows.toPixels)

  private def decodeComplete(bytes: Array[Byte], maxPixels: Long, target: PixelSize => PixelSize): PixelRows = {
    val image = ImageStructure.of(bytes)
    requireSize(image.header, maxPixels)
    image.requireComplete()
    ImageMemory.refusing(image.header.width, image.header.height)(upright(image, target))
  }

  private def upright(image: ImageStructure, target: PixelSize => PixelSize): PixelRows = image match {
    // Only libtiff returns a page that is already upright.
    case tiff: TiffStructure => TiffDecoder.pixels(tiff).getOrElse(NativeDecoder.decode(tiff))
    case jpeg: JpegStructure =>
      val stored =
        if (jpeg.components == 4) JpegInks.toRgb(jpeg) else NativeDecoder.decode(jpeg, reduction(jpeg, target))
      Orientation.upright(stored, jpeg.header.orientation)
    case other => Orientation.upright(NativeDecoder.decode(other), other.header.orientation)
  }

  private def reduction(jpeg: JpegStructure, target: PixelSize => PixelSize): Int = {
    val size = PixelSize(jpeg.header.uprightHeight, jpeg.header.uprightWidth)
    JpegStructure.reduction(jpeg.header, target(size))
  }

  private def requireSize(header: ImageHeader, maxPixels: Long): Unit = {
    val most = math.min(maxPixels, Int.MaxValue.toLong / NativeDecoder.BytesPerPixel)
    if (header.pixelCount > most)
      throw new ImageException(
        s"too large: ${header.width} x ${header.height} is ${header.pixelCount} pixels, and at most $most are read; " +
          "raise maxImagePixels if you trust the image"
      )
  }
}

/** How much of an image's detail the decoder computes. */
sealed abstract class DecodeMode(val name: String) extends NamedValue

object DecodeMode extends NamedValues[DecodeMode]("decodeMode") {

  /** All detail: the pixels are those that Pillow decodes, to the last bit. */
  case object Exact extends DecodeMode("exact")

  /** Decodes a JPEG that is at least twice as large as the model's input at a reduced size, see [[ImageDecoder.draft]]. Other
    * formats are decoded as with `Exact`.
    */
  case object Fast extends DecodeMode("fast")

  override val all: Seq[DecodeMode] = Seq(Exact, Fast)
}
