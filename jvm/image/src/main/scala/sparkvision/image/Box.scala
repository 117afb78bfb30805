package sparkvision.image

/** A rectangle to cut out of an image, its edges in pixels from the left and the top of the upright image.
  *
  * Edges are rounded to whole pixels as Pillow's `Image.crop` rounds them, halves to the even number. Where Pillow pads a
  * box that reaches out of the image with black, here it ends at the image's edge.
  */
final case class CropBox(xmin: Double, ymin: Double, xmax: Double, ymax: Double) {

  /** The whole pixels of an image that lie in the box.
    *
    * @throws ImageException
    *   when there are none, or an edge is not a number
    */
  def window(image: PixelSize): Window = {
    if (!Seq(xmin, ymin, xmax, ymax).forall(edge => !edge.isNaN && !edge.isInfinite))
      throw new ImageException(s"$this has an edge that is not a number")
    val (left, right) = (CropBox.pixel(xmin, image.width), CropBox.pixel(xmax, image.width))
    val (top, bottom) = (CropBox.pixel(ymin, image.height), CropBox.pixel(ymax, image.height))
    if (left >= right || top >= bottom)
      throw new ImageException(s"$this holds no pixel of the image, which is ${image.width} x ${image.height}")
    Window(top, left, bottom - top, right - left)
  }

  override def toString: String = s"the box ($xmin, $ymin, $xmax, $ymax)"
}

object CropBox {

  /** The whole pixel nearest to an edge, within the image. */
  private def pixel(edge: Double, length: Int): Int = math.rint(edge).max(0).min(length.toDouble).toInt
}
