package sparkvision.engine

/** A block of rows of a picture, turned so that the samples of one column lie together and one weight serves them all:
  * for each sample of a row the values of all rows, four rows to an int.
  *
  * @param rowLength
  *   samples in a row of the picture
  */
private[engine] final class TurnedRows(rowLength: Int) {
  import TurnedRows._

  /** [[Groups]] ints for each sample of a row. */
  val samples: Array[Int] = new Array(rowLength * Groups)

  /** Turns rows of a picture, at most [[Rows]]; the first begins at `start`. */
  def read(rgb: Array[Byte], start: Int, rowCount: Int): Unit =
    eachTile(rowCount)((group, from) => readTile(rgb, start, rowCount, group, from))

  /** Turns them back into rows of a picture. */
  def write(rgb: Array[Byte], start: Int, rowCount: Int): Unit =
    eachTile(rowCount)((group, from) => writeTile(rgb, start, rowCount, group, from))

  /** Goes through the block so that what is touched stays in the processor's first cache. */
  private def eachTile(rowCount: Int)(work: (Int, Int) => Unit): Unit =
    (0 until rowLength by TileSamples).foreach { from =>
      (0 until (rowCount + 3) / 4).foreach(group => work(group, from))
    }

  /** Where a row of the block begins. A last group that is not full has its last row several times. */
  private def rowStart(start: Int, rowCount: Int, row: Int): Int = start + math.min(row, rowCount - 1) * rowLength

  private def readTile(rgb: Array[Byte], start: Int, rowCount: Int, group: Int, from: Int): Unit = {
    val row0 = rowStart(start, rowCount, 4 * group)
    val row1 = rowStart(start, rowCount, 4 * group + 1)
    val row2 = rowStart(start, rowCount, 4 * group + 2)
    val row3 = rowStart(start, rowCount, 4 * group + 3)
    val turned = samples
    val until = math.min(from + TileSamples, rowLength)
    var i = from
    while (i < until) {
      turned(i * Groups + group) = rgb(row0 + i) & 0xff | (rgb(row1 + i) & 0xff) << 8 |
        (rgb(row2 + i) & 0xff) << 16 | rgb(row3 + i) << 24
      i += 1
    }
  }

  private def writeTile(rgb: Array[Byte], start: Int, rowCount: Int, group: Int, from: Int): Unit = {
    val row0 = rowStart(start, rowCount, 4 * group)
    val row1 = rowStart(start, rowCount, 4 * group + 1)
    val row2 = rowStart(start, rowCount, 4 * group + 2)
    val row3 = rowStart(start, rowCount, 4 * group + 3)
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

private[engine] object TurnedRows {

  /** Ints of four rows each: enough for long loops, few enough for the processor's caches. A literal, because the JVM
    * proves an index to be in range only if its stride is one; otherwise reading takes three times as long.
    */
  final val Groups = 32

  /** Rows in a block, at most. */
  final val Rows = 4 * Groups

  private final val TileSamples = 96
}
