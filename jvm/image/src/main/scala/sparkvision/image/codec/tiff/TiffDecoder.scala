package sparkvision.image.codec.tiff

import sparkvision.image.codec.color.{CmykConversion, YcbcrConversion}
import sparkvision.image.codec.format.{ByteReader, TiffDirectory, TiffStructure}
import sparkvision.image.{ImageException, Orientation, PixelRows, Pixels}

/** Decodes the first page of a TIFF where its samples are stored uncompressed or losslessly. */
private[sparkvision] object TiffDecoder {
  import TiffDirectory._

  /** The further compressions that the libtiff in OpenCV reads: CCITT's three, and JPEG in its old and its new form. */
  private val openCvCompressions = Set(2, 3, 4, 6, 7)

  private val otherCompressions = Map(34925 -> "LZMA", 50000 -> "Zstandard", 50001 -> "WebP")

  /** The upright pixels, or None when OpenCV has to decode the page.
    *
    * @throws ImageException
    *   when the page is damaged or of a kind that is not supported
    */
  def pixels(tiff: TiffStructure): Option[PixelRows] = {
    import tiff.{directory, header, reader}
    val layout = TiffLayout.of(directory, reader)
    val compression = directory.value(Compression).getOrElse(1L).toInt
    val separate = layout.samples > 1 && directory.value(PlanarConfiguration).contains(2L)
    // Compressed YCbCr is converted to RGB by libtiff, in Pillow too. Uncompressed YCbCr is converted by Pillow itself.
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

  /** Red, green and blue of 256 indices: the upper byte of each 16-bit value; black for an index that the file lacks. */
  private def palette(directory: TiffDirectory, reader: ByteReader): Array[Byte] = {
    val values = directory.values(ColorMap).getOrElse(reader.corrupt("it has no palette"))
    val colours = values.length / 3
    Array.tabulate(3 * 256) { i =>
      val (index, channel) = (i / 3, i % 3)
      if (index < colours) (values(channel * colours + index) >> 8).toByte else 0
    }
  }
}

/** Converts the stored samples of a TIFF to RGB, as Pillow unpacks (`Unpack.c`) and converts (`Convert.c`) them. */
final private[sparkvision] class TiffPixels(
    width: Int,
    height: Int,
    rows: Array[Byte],
    layout: TiffLayout,
    bigEndian: Boolean
) {
  import TiffLayout._

  private val rowLength = rows.length / height

  /** Converts the whole page.
    *
    * @param palette
    *   red, green and blue of 256 colours; evaluated only when the samples are indices
    */
  def toRgb(palette: => Array[Byte]): Pixels = {
    val rgb = layout.kind match {
      case Palette => coloured(palette)
      case Inks => CmykConversion.toRgb(topBytes, layout.samples)
      case Rgb => threeOf(topBytes)
      case Grey | GreyInverted | SignedGrey | FloatGrey => grey()
      case LuminanceChrominance => YcbcrConversion.toRgb(rows)
    }
    new Pixels(width, height, rgb)
  }

  private def coloured(palette: Array[Byte]): Array[Byte] = eachPixel { (row, column, rgb, target) =>
    System.arraycopy(palette, 3 * small(row, column), rgb, target, 3)
  }

  private def grey(): Array[Byte] = {
    val scale = if (layout.bits < 8) 255 / ((1 << layout.bits) - 1) else 1
    val inverted = layout.kind == GreyInverted
    eachPixel { (row, column, rgb, target) =>
      val value = if (layout.bits <= 8) small(row, column) * scale else clipped(row, column)
      java.util.Arrays.fill(rgb, target, target + 3, (if (inverted) 255 - value else value).toByte)
    }
  }

  private def eachPixel(write: (Int, Int, Array[Byte], Int) => Unit): Array[Byte] = {
    val rgb = new Array[Byte](3 * width * height)
    var row = 0
    while (row < height) {
      var column = 0
      while (column < width) {
        write(row, column, rgb, 3 * (row * width + column))
        column += 1
      }
      row += 1
    }
    rgb
  }

  /** The first sample of a pixel, of at most 8 bits. */
  private def small(row: Int, column: Int): Int =
    if (layout.bits == 8) rows(row * rowLength + column * layout.samples) & 0xff
    else {
      val bit = column * layout.bits
      (rows(row * rowLength + bit / 8) >> (8 - layout.bits - bit % 8)) & ((1 << layout.bits) - 1)
    }

  /** A sample of 16 or 32 bits, limited to 0 to 255. Pillow drops the fraction of a float. */
  private def clipped(row: Int, column: Int): Int = {
    val at = row * rowLength + column * (layout.bits / 8)
    val value = Iterator.range(0, layout.bits / 8).foldLeft(0) { (sum, i) =>
      (sum << 8) | (rows(at + (if (bigEndian) i else layout.bits / 8 - 1 - i)) & 0xff)
    }
    val whole = layout.kind match {
      case FloatGrey => java.lang.Float.intBitsToFloat(value).toInt
      case SignedGrey if layout.bits == 16 => value.toShort.toInt
      case _ => value
    }
    math.max(0, math.min(255, whole))
  }

  /** The samples in 8 bits: of samples of 16 bits the upper byte. */
  private def topBytes: Array[Byte] =
    if (layout.bits == 8) rows else Array.tabulate(rows.length / 2)(i => rows(2 * i + (if (bigEndian) 0 else 1)))

  private def threeOf(samples: Array[Byte]): Array[Byte] =
    if (layout.samples == 3) samples
    else {
      val rgb = new Array[Byte](3 * width * height)
      (0 until width * height).foreach(i => System.arraycopy(samples, i * layout.samples, rgb, 3 * i, 3))
      rgb
    }
}
