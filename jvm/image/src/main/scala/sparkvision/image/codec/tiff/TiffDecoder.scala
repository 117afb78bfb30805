package sparkvision.image.codec.tiff

import sparkvision.image.codec.format.{ByteReader, TiffDirectory, TiffStructure}
import sparkvision.image.{ImageException, Orientation, PixelRows}

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
