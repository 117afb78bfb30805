package sparkvision.image.resample

import sparkvision.image.PixelRows

/** A block of an image's rows, or of parts of them, in transposed order: for each sample of a row the values of all rows, four
  * rows in an int. The samples of a column lie together, so that they can be multiplied by one weight.
  *
  * @param rowLength
  *   the largest number of samples in a row of the block
  */
private[sparkvision] final class TransposedRows(rowLength: Int) {
  import TransposedRows._

  private val packedLength = (rowLength + 3) / 4

  /** [[TransposedRows.Groups]] ints for each sample of a row, and for the unused samples of the last packed int. */
  val samples: Array[Int] = new Array(packedLength * 4 * Groups)

  // The block in the order of the image.
  private lazy val packed = new Array[Int](Rows * packedLength)

  /** Transposes some pixels of some rows of an image, at most [[TransposedRows.Rows]] rows. */
  def read(image: PixelRows, firstRow: Int, rowCount: Int, firstPixel: Int, pixels: Int): Unit = {
    (0 until rowCount).foreach { row =>
      image.pack(firstRow + row, firstPixel, pixels, packed, row * packedLength)
    }
    eachTile(rowCount, pixels * 3)((group, from) => readTile(rowCount, group, from))
  }

  /** Transposes the samples back into rows of an image. */
  def write(rgb: Array[Byte], firstRow: Int, rowCount: Int): Unit =
    eachTile(rowCount, rowLength)((group, from) => writeTile(rgb, firstRow, rowCount, group, from))

  /** Processes the block in tiles that fit into the first-level cache of the processor. */
  private def eachTile(rowCount: Int, samples: Int)(work: (Int, Int) => Unit): Unit =
    (0 until samples by TileSamples).foreach { from =>
      (0 until (rowCount + 3) / 4).foreach(group => work(group, from))
    }

  /** The index at which a row begins. A last group with fewer than four rows repeats its last row. */
  private def start(firstRow: Int, rowCount: Int, row: Int, length: Int): Int =
    (firstRow + math.min(row, rowCount - 1)) * length

  /** Transposes four rows of four samples at a time in registers, which is twice as fast as byte by byte. */
  private def readTile(rowCount: Int, group: Int, from: Int): Unit = {
    val row0 = start(0, rowCount, 4 * group, packedLength)
    val row1 = start(0, rowCount, 4 * group + 1, packedLength)
    val row2 = start(0, rowCount, 4 * group + 2, packedLength)
    val row3 = start(0, rowCount, 4 * group + 3, packedLength)
    val (rows, transposed) = (packed, samples)
    val until = math.min((from + TileSamples) / 4, packedLength)
    var i = from / 4
    while (i < until) {
      val a = rows(row0 + i)
      val b = rows(row1 + i)
      val c = rows(row2 + i)
      val d = rows(row3 + i)
      val evenAb = a & 0x00ff00ff | (b & 0x00ff00ff) << 8
      val evenCd = c & 0x00ff00ff | (d & 0x00ff00ff) << 8
      val oddAb = (a >>> 8) & 0x00ff00ff | b & 0xff00ff00
      val oddCd = (c >>> 8) & 0x00ff00ff | d & 0xff00ff00
      val at = i * (4 * Groups) + group
      transposed(at) = evenAb & 0xffff | evenCd << 16
      transposed(at + Groups) = oddAb & 0xffff | oddCd << 16
      transposed(at + 2 * Groups) = evenAb >>> 16 | evenCd & 0xffff0000
      transposed(at + 3 * Groups) = oddAb >>> 16 | oddCd & 0xffff0000
      i += 1
    }
  }

  private def writeTile(rgb: Array[Byte], firstRow: Int, rowCount: Int, group: Int, from: Int): Unit = {
    val row0 = start(firstRow, rowCount, 4 * group, rowLength)
    val row1 = start(firstRow, rowCount, 4 * group + 1, rowLength)
    val row2 = start(firstRow, rowCount, 4 * group + 2, rowLength)
    val row3 = start(firstRow, rowCount, 4 * group + 3, rowLength)
    val transposed = samples
    val until = math.min(from + TileSamples, rowLength)
    var i = from
    while (i < until) {
      val four = transposed(i * Groups + group)
      rgb(row0 + i) = four.toByte
      rgb(row1 + i) = (four >>> 8).toByte
      rgb(row2 + i) = (four >>> 16).toByte
      rgb(row3 + i) = (four >>> 24).toByte
      i += 1
    }
  }
}

private[sparkvision] object TransposedRows {

  /** The number of ints of four rows each: large enough for long loops, and small enough for the processor's caches. It is a
    * literal, because the JVM omits the range check of an index only if the stride is a constant; otherwise reading takes
    * three times as long.
    */
  final val Groups = 32

  /** The largest number of rows in a block. */
  final val Rows = 4 * Groups

  private final val TileSamples = 96
}
