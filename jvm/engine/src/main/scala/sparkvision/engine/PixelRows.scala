package sparkvision.engine

/** A decoded picture, to be read some rows at a time: 8-bit RGB, three bytes a pixel, from the top.
  *
  * So it need not lie in the JVM's heap. An array for a photograph of 12 megapixels takes 36 MB, which the JVM clears
  * before they are filled, and collects as garbage after each picture.
  */
trait PixelRows {

  /** Pixels in a row. */
  def width: Int

  /** Rows. */
  def height: Int

  /** Rows one after the other. Valid until the next call.
    *
    * @param first
    *   counted from the top, from 0
    */
  private[engine] def rows(first: Int, count: Int): RowBlock

  /** All of them in an array of their own. */
  def toPixels: Pixels
}

/** Rows in an array.
  *
  * @param start
  *   where the first begins
  */
final private[engine] case class RowBlock(bytes: Array[Byte], start: Int)
