package sparkvision.engine

import java.nio.{ByteBuffer, ByteOrder}

/** The two passes of a resize, as in Pillow's `ImagingResample`: each scales one axis, and rounds to 8 bits. */
private[engine] object ConvolutionPass {

  /** Wider pictures, which hardly exist, are scaled one row after the other: a block of their rows takes much memory. */
  private val MaxTurnedWidth = 65536

  /** Scales the width.
    *
    * @param firstRow
    *   the first row that is scaled; it is the first of the result
    */
  def horizontal(pixels: Pixels, columns: Coefficients, firstRow: Int, rowCount: Int): Pixels =
    if (math.max(pixels.width, columns.length) <= TurnedRows.Widest) byBlocks(pixels, columns, firstRow, rowCount)
    else bySamples(pixels, columns, firstRow, rowCount)

  private def byBlocks(pixels: Pixels, columns: Coefficients, firstRow: Int, rowCount: Int): Pixels = {
    val scaled = new Array[Byte](rowCount * columns.length * 3)
    if (math.max(pixels.width, columns.length) > MaxTurnedWidth)
      (0 until rowCount).foreach { row =>
        scaleRow(pixels.rgb, (firstRow + row) * pixels.width * 3, columns, scaled, row * columns.length * 3)
      }
    else scaleBlocks(pixels, columns, firstRow, rowCount, scaled)
    new Pixels(columns.length, rowCount, scaled)
  }

  private def scaleBlocks(
      pixels: Pixels,
      columns: Coefficients,
      firstRow: Int,
      rowCount: Int,
      scaled: Array[Byte]
  ): Unit = {
    val before = new TurnedRows(pixels.width * 3)
    val after = new TurnedRows(columns.length * 3)
    (0 until rowCount by TurnedRows.Rows).foreach { row =>
      val rows = math.min(TurnedRows.Rows, rowCount - row)
      before.read(pixels.rgb, firstRow + row, rows)
      scaleColumns(before.samples, columns, after.samples)
      after.write(scaled, row, rows)
    }
  }

  /** The same one sample after another: slower, and without a block's memory. */
  private[engine] def bySamples(pixels: Pixels, columns: Coefficients, firstRow: Int, rowCount: Int): Pixels = {
    val scaled = new Array[Byte](rowCount * columns.length * 3)
    var target = 0
    for (row <- 0 until rowCount; x <- 0 until columns.length; channel <- 0 until 3) {
      val start = ((firstRow + row) * pixels.width + columns.first(x)) * 3 + channel
      var sum = 1 << (columns.precision - 1)
      var tap = 0
      while (tap < columns.count(x)) {
        sum += (pixels.rgb(start + tap * 3) & 0xff) * columns.weights(x * columns.taps + tap)
        tap += 1
      }
      scaled(target) = math.max(0, math.min(255, sum >> columns.precision)).toByte
      target += 1
    }
    new Pixels(columns.length, rowCount, scaled)
  }

  private def scaleColumns(before: Array[Int], columns: Coefficients, after: Array[Int]): Unit = {
    val pixel = new Array[Int](3 * TurnedRows.Groups)
    val sums = new PackedSums(pixel.length, columns.precision)
    (0 until columns.length).foreach { x =>
      sums.reset()
      (0 until columns.count(x)).foreach { tap =>
        System.arraycopy(before, (columns.first(x) + tap) * pixel.length, pixel, 0, pixel.length)
        sums.add(pixel, columns.weights(x * columns.taps + tap))
      }
      sums.writeTo(pixel)
      System.arraycopy(pixel, 0, after, x * pixel.length, pixel.length)
    }
  }

  private def scaleRow(rgb: Array[Byte], start: Int, columns: Coefficients, scaled: Array[Byte], target: Int): Unit = {
    val half = 1 << (columns.precision - 1)
    for (x <- 0 until columns.length; channel <- 0 until 3) {
      var sum = half
      (0 until columns.count(x)).foreach { tap =>
        val sample = rgb(start + (columns.first(x) + tap) * 3 + channel) & 0xff
        sum += sample * columns.weights(x * columns.taps + tap)
      }
      scaled(target + x * 3 + channel) = Math.max(0, Math.min(255, sum >> columns.precision)).toByte
    }
  }

  /** Scales the height.
    *
    * @param firstRow
    *   the row of the whole picture that is the first of `pixels`
    */
  def vertical(pixels: Pixels, rows: Coefficients, firstRow: Int): Pixels = {
    val rowLength = pixels.width * 3
    val scaled = new Array[Byte](rows.length * rowLength)
    val row = ByteBuffer.allocate((rowLength + 3) / 4 * 4).order(ByteOrder.LITTLE_ENDIAN)
    val packed = new Array[Int](row.capacity / 4)
    val sums = new PackedSums(packed.length, rows.precision)
    (0 until rows.length).foreach { y =>
      sums.reset()
      (0 until rows.count(y)).foreach { tap =>
        System.arraycopy(pixels.rgb, (rows.first(y) - firstRow + tap) * rowLength, row.array, 0, rowLength)
        row.asIntBuffer.get(packed)
        sums.add(packed, rows.weights(y * rows.taps + tap))
      }
      sums.writeTo(packed)
      row.asIntBuffer.put(packed)
      System.arraycopy(row.array, 0, scaled, y * rowLength, rowLength)
    }
    new Pixels(pixels.width, rows.length, scaled)
  }
}
