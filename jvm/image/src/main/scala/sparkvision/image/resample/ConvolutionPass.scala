package sparkvision.image.resample

import java.nio.{ByteBuffer, ByteOrder}
import java.util.Arrays

import sparkvision.image.{PixelRows, Pixels}

/** The two passes of a resize, as in Pillow's `ImagingResample`: each scales one axis, and rounds to 8 bits. */
private[sparkvision] object ConvolutionPass {

  /** Pixels of a row that are turned at a time, where that is enough for an output: what a block of them takes, turned and
    * not, stays in the processor's second cache.
    */
  private val StripPixels = 512

  /** Wider results, and images of which an output needs more, hardly exist. They are scaled one row after the other: a
    * block of their rows takes much memory.
    */
  private val MaxTurnedWidth = 65536

  /** Scales the width.
    *
    * @param firstRow
    *   the first row that is scaled; it is the first of the result
    */
  def horizontal(pixels: PixelRows, columns: Coefficients, firstRow: Int, rowCount: Int): Pixels = {
    val scaled = new Array[Byte](rowCount * columns.length * 3)
    if (math.max(columns.taps, columns.length) > MaxTurnedWidth)
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
    val before = new TurnedRows(strips.map(columns.inputs(_).size).max * 3)
    val after = new TurnedRows(columns.length * 3)
    (0 until rowCount by TurnedRows.Rows).foreach { row =>
      val rows = math.min(TurnedRows.Rows, rowCount - row)
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
    val pixel = new Array[Int](3 * TurnedRows.Groups)
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
    *   the row of the whole image that is the first of `pixels`
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

/** Weighted sums of 8-bit samples, four samples to an int.
  *
  * The JVM of Java 17 vectorises loops over int arrays, but not the widening of bytes, and only where every array is read
  * and written at the same index. Hence the packing, and four arrays of sums.
  *
  * @param length
  *   ints of packed samples
  * @param precision
  *   binary digits of the weights behind the point
  */
private[sparkvision] final class PackedSums(length: Int, precision: Int) {
  private val sums0, sums1, sums2, sums3 = new Array[Int](length)

  /** Begins anew, with the half that rounds the results. */
  def reset(): Unit = {
    val half = 1 << (precision - 1)
    Arrays.fill(sums0, half)
    Arrays.fill(sums1, half)
    Arrays.fill(sums2, half)
    Arrays.fill(sums3, half)
  }

  /** Adds each sample times a fixed-point weight. */
  def add(packed: Array[Int], weight: Int): Unit = {
    // Local names: fields would be read anew at each step.
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

  /** The sums as packed samples again. */
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

  /** The value, brought to between 0 and 255. Without Math.min and max, which the JVM does not vectorise. */
  private def clip(value: Int): Int = {
    val notNegative = value & ~(value >> 31)
    (notNegative | (255 - notNegative) >> 31) & 0xff
  }
}
