package sparkvision.image.codec.tiff

import sparkvision.image.ImageException
import sparkvision.image.codec.format.{ByteReader, TiffDirectory}

/** Collects the samples of a TIFF's first page from its strips or tiles (TIFF 6.0, sections 3 and 15).
  *
  * An image whose strips have too few bytes is refused, as by Pillow; OpenCV would leave the missing rows blank.
  */
final private[sparkvision] class TiffSegments(directory: TiffDirectory, reader: ByteReader, layout: TiffLayout) {
  import TiffDirectory._
  import TiffSegments.Segment

  private val width = directory.side(ImageWidth)
  private val height = directory.side(ImageLength)
  private val compression = directory.value(Compression).getOrElse(1L).toInt
  private val tiled = !directory.has(StripOffsets)

  private val segmentWidth = if (tiled) directory.side(TileWidth) else width
  private val segmentHeight = if (tiled) directory.side(TileLength) else rowsPerStrip
  private val offsets = numbers(if (tiled) TileOffsets else StripOffsets)

  private def rowsPerStrip: Int = directory.value(RowsPerStrip).fold(height) { rows =>
    if (rows <= 0) reader.corrupt(s"its strips have $rows rows") else math.min(rows, height.toLong).toInt
  }

  private def numbers(tag: Int): IndexedSeq[Long] =
    directory.values(tag).getOrElse(reader.corrupt(s"its directory lacks the tag $tag"))

  private def bytesOfRow(pixels: Int): Int =
    inMemory((pixels.toLong * layout.samples * layout.bits + 7) / 8)

  private def inMemory(bytes: Long): Int =
    if (bytes <= Int.MaxValue) bytes.toInt
    else throw new ImageException(s"too large: $bytes bytes of samples in one piece; convert the TIFF to a smaller one")

  /** All rows from the top. Each row begins with a new byte.
    *
    * @throws ImageException
    *   when the strips or tiles are damaged
    */
  def rows(): Array[Byte] = {
    val rowLength = bytesOfRow(width)
    val all = new Array[Byte](inMemory(rowLength.toLong * height))
    val across = (width - 1) / segmentWidth + 1
    val needed = across.toLong * ((height - 1) / segmentHeight + 1)
    if (offsets.length < needed)
      reader.corrupt(s"it has $needed strips or tiles, but states the offsets of ${offsets.length}")
    val segments = needed.toInt
    (0 until segments).foreach { index =>
      val (left, top) = (index % across * segmentWidth, index / across * segmentHeight)
      val visibleRows = math.min(segmentHeight, height - top)
      val segment = read(index, segments, visibleRows)
      val length = math.min(segment.rowLength, rowLength - bytesOfRow(left))
      (0 until visibleRows).foreach { row =>
        val from = segment.start + row * segment.rowLength
        System.arraycopy(segment.bytes, from, all, (top + row) * rowLength + bytesOfRow(left), length)
      }
    }
    all
  }

  private def read(index: Int, segments: Int, visibleRows: Int): Segment = {
    val rowLength = bytesOfRow(segmentWidth)
    if (compression == TiffCompression.None) {
      // When one strip is the whole image, Pillow uses the last offset.
      val offset = if (segments == 1) offsets.last else offsets(index)
      reader.need(offset, rowLength.toLong * visibleRows)
      Segment(reader.bytes, offset.toInt, rowLength)
    } else {
      val counts = numbers(if (tiled) TileByteCounts else StripByteCounts)
      val count =
        counts.lift(index).getOrElse(reader.corrupt(s"it does not state the length of its strip or tile $index"))
      reader.need(offsets(index), count)
      val bytes = new Array[Byte](inMemory(rowLength.toLong * (if (tiled) segmentHeight else visibleRows)))
      val got = TiffCompression.decompress(compression, reader.bytes, offsets(index).toInt, count.toInt, bytes)
      if (got < bytes.length)
        reader.corrupt(s"its strip or tile $index gives $got bytes and ${bytes.length} are needed: fetch it again")
      undoPrediction(bytes, rowLength)
      Segment(bytes, 0, rowLength)
    }
  }

  /** Restores samples that are stored as differences from their left neighbours (section 14). */
  private def undoPrediction(bytes: Array[Byte], rowLength: Int): Unit = {
    val predictor = if (TiffCompression.predicts(compression)) directory.value(Predictor).getOrElse(1L) else 1L
    val width = layout.bits / 8
    if (predictor == 2 && layout.bits >= 8)
      (0 until bytes.length by rowLength).foreach { start =>
        var at = start + layout.samples * width
        while (at < start + rowLength) {
          add(bytes, at, layout.samples * width, width)
          at += width
        }
      }
    else if (predictor != 1)
      throw new ImageException(s"unsupported TIFF: its predictor is $predictor; save it without a predictor")
  }

  /** Adds the sample that lies `before` bytes to the left, with carry, beginning with the lowest byte. */
  private def add(bytes: Array[Byte], at: Int, before: Int, width: Int): Unit = {
    var carry = 0
    var i = 0
    while (i < width) {
      val byte = at + (if (directory.bigEndian) width - 1 - i else i)
      val sum = (bytes(byte) & 0xff) + (bytes(byte - before) & 0xff) + carry
      bytes(byte) = sum.toByte
      carry = sum >> 8
      i += 1
    }
  }
}

private object TiffSegments {

  /** The decompressed rows of a strip or tile: `rowLength` bytes each, from `start` on. */
  final case class Segment(bytes: Array[Byte], start: Int, rowLength: Int)
}
