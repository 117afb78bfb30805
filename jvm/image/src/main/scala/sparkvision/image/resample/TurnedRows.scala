package sparkvision.image.resample

import sparkvision.image.PixelRows

/** A block of an image's rows, or a part of them, turned so that the samples of one column lie together and one weight
  * serves them all: for each sample of a row the values of all rows, four rows to an int.
  *
  * @param rowLength
  *   samples in a row of the block, at most
  */
private[sparkvision] final class TurnedRows(rowLength: Int) {
  import TurnedRows._

  private val packedLength = (rowLength + 3) / 4

  /** [[Groups]] ints for each sample of a row, and for what fills its last packed int. */
  val samples: Array[Int] = new Array(packedLength * 4 * Groups)

  // The block as it is in the image.
  private lazy val packed = new Array[Int](Rows * packedLength)

  /** Turns some pixels of some rows of an image, at most [[Rows]]. */
  def read(image: PixelRows, firstRow: Int, rowCount: Int, firstPixel: Int, pixels: Int): Unit = {
    (0 until rowCount).foreach { row =>
      image.pack(firstRow + row, firstPixel, pixels, packed, row * packedLength)
    }
    eachTile(rowCount, pixels * 3)((group, from) => readTile(rowCount, group, from))
  }

  /** Turns them back into rows of an image. */
  def write(rgb: Array[Byte], firstRow: Int, rowCount: Int): Unit =
    eachTile(rowCount, rowLength)((group, from) => writeTile(rgb, firstRow, rowCount, group, from))

  /** Goes through the block so that what is touched stays in the processor's first cache. */
  private def eachTile(rowCount: Int, samples: Int)(work: (Int, Int) => Unit): Unit =
    (0 until samples by TileSamples).foreach { from =>
      (0 until (rowCount + 3) / 4).foreach(group => work(group, from))
    }

  /** Where a row begins. A last group that is not full has its last row several times. */
  private def start(firstRow: Int, rowCount: Int, row: Int, length: Int): Int =
    (firstRow + math.min(row, rowCount - 1)) * length

  /** Four rows of four samples become four samples of four rows, in registers: twice as fast as byte by byte. */
  private def readTile(rowCount: Int, group: Int, from: Int): Unit = {
    val row0 = start(0, rowCount, 4 * group, packedLength)
    val row1 = start(0, rowCount, 4 * group + 1, packedLength)
    val row2 = start(0, rowCount, 4 * group + 2, packedLength)
    val row3 = start(0, rowCount, 4 * group + 3, packedLength)
    val (rows, turned) = (packed, samples)
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
      turned(at) = evenAb & 0xffff | evenCd << 16
      turned(at + Groups) = oddAb & 0xffff | oddCd << 16
      turned(at + 2 * Groups) = evenAb >>> 16 | evenCd & 0xffff0000
      turned(at + 3 * Groups) = oddAb >>> 16 | oddCd & 0xffff0000
      i += 1
    }
  }

  private def writeTile(rgb: Array[Byte], firstRow: Int, rowCount: Int, group: Int, from: Int): Unit = {
    val row0 = start(firstRow, rowCount, 4 * group, rowLength)
    val row1 = start(firstRow, rowCount, 4 * group + 1, rowLength)
    val row2 = start(firstRow, rowCount, 4 * group + 2, rowLength)
    val row3 = start(firstRow, rowCount, 4 * group + 3, rowLength)
    val turned = samples
    val until = math.min(from + TileSamples, rowLength)
    var i = from
    while (i < until) {
      val four = turned(i * Groups + group)
      rgb(row0 + i) = four.toByte
      rgb(row1 + i) = (four >>> 8).toByte
      rgb(row2 + i) = (four >>> 16).toByte
      rgb(row3 + i) = (four >>> 24).toByte
      i += 1
    }
  }
}

private[sparkvision] object TurnedRows {

  /** Ints of four rows each: enough for long loops, few enough for the processor's caches. A literal, because the JVM
    * proves an index to be in range only if its stride is one; otherwise reading takes three times as long.
    */
  final val Groups = 32

  /** Rows in a block, at most. */
  final val Rows = 4 * Groups

  private final val TileSamples = 96
}
