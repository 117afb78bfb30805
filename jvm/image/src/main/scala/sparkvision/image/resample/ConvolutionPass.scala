package sparkvision.image.resample

import java.nio.{ByteBuffer, ByteOrder}
import java.util.Arrays

import sparkvision.image.{PixelRows, Pixels}

/** The two passes of a resize, as in Pillow's `ImagingResample`. Each scales along one axis and rounds to 8 bits. */
private[sparkvision] object ConvolutionPass {

  /** The number of pixels of a row that are transposed at a time, if this is sufficient for one output. A block of them and
    * its transposed copy fit into the second-level cache of the processor.
    */
  private val StripPixels = 512

  /** Results that are wider, and images of which one output needs more pixels, are rare. They are scaled row by row, because
    * a block of their rows takes much memory.
    */
  private val MaxTransposedWidth = 65536

  /** Scales the width.
    *
    * @param firstRow
    *   the first row that is scaled, which is the first row of the result
    */
  def horizontal(pixels: PixelRows, columns: Coefficients, firstRow: Int, rowCount: Int): Pixels = {
    val scaled = new Array[Byte](rowCount * columns.length * 3)
    if (math.max(columns.taps, columns.length) > MaxTransposedWidth)
      (0 until rowCount).foreach { row =>
        scaleRow(pixels, firstRow + row, columns, scaled, row * columns.length * 3)
      }
    else scaleBlocks(pixels, columns, firstRow, rowCount, scaled)
    new Pixels(columns.length, rowCount, scaled)
  }

  private def scaleBlocks(
      pixels: PixelRows,
      columns: Coefficients,
      firstRow: Int,
      rowCount: Int,
      scaled: Array[Byte]
  ): Unit = {
    val strips = columns.strips(StripPixels)
    val before = new TransposedRows(strips.map(columns.inputs(_).size).max * 3)
    val after = new TransposedRows(columns.length * 3)
    (0 until rowCount by TransposedRows.Rows).foreach { row =>
      val rows = math.min(TransposedRows.Rows, rowCount - row)
      strips.foreach { strip =>
        val inputs = columns.inputs(strip)
        before.read(pixels, firstRow + row, rows, inputs.start, inputs.size)
        scaleColumns(before.samples, inputs.start, columns, strip, after.samples)
      }
      after.write(scaled, row, rows)
    }
  }

  private def scaleColumns(
      before: Array[Int],
      firstPixel: Int,
      columns: Coefficients,
      strip: Range,
      after: Array[Int]
  ): Unit = {
    val pixel = new Array[Int](3 * TransposedRows.Groups)
    val sums = new PackedSums(pixel.length, columns.precision)
    strip.foreach { x =>
      sums.reset()
      (0 until columns.count(x)).foreach { tap =>
        System.arraycopy(before, (columns.first(x) + tap - firstPixel) * pixel.length, pixel, 0, pixel.length)
        sums.add(pixel, columns.weights(x * columns.taps + tap))
      }
      sums.writeTo(pixel)
      System.arraycopy(pixel, 0, after, x * pixel.length, pixel.length)
    }
  }

  private def scaleRow(pixels: PixelRows, row: Int, columns: Coefficients, scaled: Array[Byte], target: Int): Unit = {
    val start = row * pixels.width * 3
    val half = 1 << (columns.precision - 1)
    for (x <- 0 until columns.length; channel <- 0 until 3) {
      var sum = half
      (0 until columns.count(x)).foreach { tap =>
        val sample = pixels.bytes.get(start + (columns.first(x) + tap) * 3 + channel) & 0xff
        sum += sample * columns.weights(x * columns.taps + tap)
      }
      scaled(target + x * 3 + channel) = Math.max(0, Math.min(255, sum >> columns.precision)).toByte
    }
  }

  /** Scales the height.
    *
    * @param firstRow
    *   the row of the whole image that is the first row of `pixels`
    */
  def vertical(pixels: PixelRows, rows: Coefficients, firstRow: Int): Pixels = {
    val rowLength = pixels.width * 3
    val scaled = new Array[Byte](rows.length * rowLength)
    val packed = new Array[Int](PixelRows.packedLength(pixels.width))
    val row = ByteBuffer.allocate(packed.length * 4).order(ByteOrder.LITTLE_ENDIAN)
    val sums = new PackedSums(packed.length, rows.precision)
    (0 until rows.length).foreach { y =>
      sums.reset()
      (0 until rows.count(y)).foreach { tap =>
        pixels.pack(rows.first(y) - firstRow + tap, 0, pixels.width, packed, 0)
        sums.add(packed, rows.weights(y * rows.taps + tap))
      }
      sums.writeTo(packed)
      row.asIntBuffer.put(packed)
      System.arraycopy(row.array, 0, scaled, y * rowLength, rowLength)
    }
    new Pixels(pixels.width, rows.length, scaled)
  }
}

/** Weighted sums of 8-bit samples, which are packed into ints of four samples.
  *
  * The JVM of Java 17 vectorises loops over int arrays, but not the conversion of bytes to ints, and only if all arrays are
  * accessed at the same index. For this reason the samples are packed and there are four arrays of sums.
  *
  * @param length
  *   number of ints of packed samples
  * @param precision
  *   fractional binary digits of the weights
  */
private[sparkvision] final class PackedSums(length: Int, precision: Int) {
  private val sums0, sums1, sums2, sums3 = new Array[Int](length)

  /** Sets all sums to one half, so that the results are rounded. */
  def reset(): Unit = {
    val half = 1 << (precision - 1)
    Arrays.fill(sums0, half)
    Arrays.fill(sums1, half)
    Arrays.fill(sums2, half)
    Arrays.fill(sums3, half)
  }

  /** Adds the product of each sample and a fixed-point weight. */
  def add(packed: Array[Int], weight: Int): Unit = {
    // The JVM would read fields again in every step of the loop.
    val (s0, s1, s2, s3) = (sums0, sums1, sums2, sums3)
    var i = 0
    while (i < s0.length) {
      val samples = packed(i)
      s0(i) += (samples & 0xff) * weight
      s1(i) += ((samples >>> 8) & 0xff) * weight
      s2(i) += ((samples >>> 16) & 0xff) * weight
      s3(i) += (samples >>> 24) * weight
      i += 1
    }
  }

  /** Writes the sums as packed samples. */
  def writeTo(packed: Array[Int]): Unit = {
    val (s0, s1, s2, s3) = (sums0, sums1, sums2, sums3)
    val digits = precision
    var i = 0
    while (i < s0.length) {
      packed(i) = PackedSums.clip(s0(i) >> digits) | PackedSums.clip(s1(i) >> digits) << 8 | PackedSums.clip(
        s2(i) >> digits
      ) << 16 |
        PackedSums.clip(s3(i) >> digits) << 24
      i += 1
    }
  }
}

private[sparkvision] object PackedSums {

  /** Limits a value to 0 to 255, without Math.min and Math.max, which the JVM does not vectorise. */
  private def clip(value: Int): Int = {
    val notNegative = value & ~(value >> 31)
    (notNegative | (255 - notNegative) >> 31) & 0xff
  }
}
