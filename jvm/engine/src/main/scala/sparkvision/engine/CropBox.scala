package sparkvision.engine

/** A rectangle to cut out of a picture, its edges in pixels from the left and the top of the upright picture.
  *
  * Edges are rounded to whole pixels as Pillow's `Image.crop` rounds them, halves to the even number. Where Pillow pads a
  * box that reaches out of the picture with black, here it ends at the picture's edge.
  */
final case class CropBox(xmin: Double, ymin: Double, xmax: Double, ymax: Double) {

  /** The whole pixels of a picture that lie in the box.
    *
    * @throws ImageException
    *   when there are none, or an edge is not a number
    */
  def window(picture: PixelSize): Window = {
    if (!Seq(xmin, ymin, xmax, ymax).forall(edge => !edge.isNaN && !edge.isInfinite))
      throw new ImageException(s"$this has an edge that is not a number")
    val (left, right) = (CropBox.pixel(xmin, picture.width), CropBox.pixel(xmax, picture.width))
    val (top, bottom) = (CropBox.pixel(ymin, picture.height), CropBox.pixel(ymax, picture.height))
    if (left >= right || top >= bottom)
      throw new ImageException(s"$this holds no pixel of the picture, which is ${picture.width} x ${picture.height}")
    Window(top, left, bottom - top, right - left)
  }

  override def toString: String = s"the box ($xmin, $ymin, $xmax, $ymax)"
}

object CropBox {

  /** The whole pixel nearest to an edge, within the picture. */
  private def pixel(edge: Double, length: Int): Int = math.rint(edge).max(0).min(length.toDouble).toInt
}
