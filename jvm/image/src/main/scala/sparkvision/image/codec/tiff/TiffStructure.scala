package sparkvision.image.codec.tiff

import sparkvision.image.codec.format.{ByteReader, ImageFormat, ImageHeader}
import sparkvision.image.{ImageException, Orientation, PixelRows}

/** A TIFF's first page: its size, how it is stored, and its pixels where they are stored plainly or losslessly. */
private[sparkvision] object TiffStructure {
  import TiffDirectory._

  private val PremultipliedAlpha = 1L
  private val PlainAlpha = 2L

  /** What libtiff inside OpenCV decompresses besides: CCITT's three, JPEG in its old and its new form. */
  private val openCvCompressions = Set(2, 3, 4, 6, 7)

  private val otherCompressions = Map(34925 -> "LZMA", 50000 -> "Zstandard", 50001 -> "WebP")

  def readHeader(reader: ByteReader): ImageHeader = {
    val directory = new TiffDirectory(reader)
    val orientation = directory.value(OrientationTag).filter(value => value >= 1 && value <= 8).getOrElse(1L)
    ImageHeader(ImageFormat.Tiff, directory.side(ImageWidth), directory.side(ImageLength), orientation.toInt)
  }

  /** The upright pixels of a page that we read ourselves; None when it is OpenCV's to read. */
  def pixels(header: ImageHeader, reader: ByteReader): Option[PixelRows] = {
    val directory = new TiffDirectory(reader)
    val layout = TiffLayout.of(directory, reader)
    val compression = directory.value(Compression).getOrElse(1L).toInt
    val separate = layout.samples > 1 && directory.value(PlanarConfiguration).contains(2L)
    // Compressed YCbCr is what libtiff makes of it, in Pillow too; uncompressed it is Pillow's own.
    val libtiffs = layout.kind == TiffLayout.LuminanceChrominance && compression != TiffCompression.None
    val ours = TiffCompression.handled(compression) && !separate && !layout.lowBitsFirst && !libtiffs
    if (!ours && !TiffCompression.handled(compression) && !openCvCompressions(compression))
      throw new ImageException(
        s"unsupported TIFF: its compression is ${otherCompressions.getOrElse(compression, s"number $compression")}; " +
          "save it with Deflate or LZW"
      )
    Option.when(ours) {
      val rows = new TiffSegments(directory, reader, layout).rows()
      val stored = new TiffPixels(header.width, header.height, rows, layout, directory.bigEndian)
      Orientation.upright(stored.toRgb(palette(directory, reader)), header.orientation)
    }
  }

  /** Red, green and blue of 256 indices, the upper bytes of 16 bits each; black where the file has none. */
  private def palette(directory: TiffDirectory, reader: ByteReader): Array[Byte] = {
    val values = directory.values(ColorMap).getOrElse(reader.corrupt("it has no palette"))
    val colours = values.length / 3
    Array.tabulate(3 * 256) { i =>
      val (index, channel) = (i / 3, i % 3)
      if (index < colours) (values(channel * colours + index) >> 8).toByte else 0
    }
  }

  /** Bits a sample of the first page. */
  def bitsPerSample(reader: ByteReader): Int =
    new TiffDirectory(reader).value(BitsPerSample).getOrElse(1L).toInt

  /** The file with its alpha declared premultiplied, when its samples are RGB and plain alpha; else the file itself.
    *
    * libtiff multiplies colours by a plain alpha; Pillow, whose pixels we want, leaves them alone, and so does
    * libtiff when the file says that it has been done already.
    */
  def withoutBlending(reader: ByteReader): Array[Byte] = {
    val directory = new TiffDirectory(reader)
    val blended = directory.value(Photometric).contains(2L) && directory.value(ExtraSamples).contains(PlainAlpha)
    directory.offsetOfValues(ExtraSamples).filter(_ => blended).fold(reader.bytes) { offset =>
      val changed = reader.bytes.clone()
      changed(if (directory.bigEndian) offset + 1 else offset) = PremultipliedAlpha.toByte
      changed
    }
  }
}
