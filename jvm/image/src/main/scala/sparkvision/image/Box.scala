package sparkvision.image

/** A rectangle in an image, such as the place of a detected object. Its edges are in pixels from the left and from the top
  * of the upright image; they may be fractional and may lie outside of the image.
  */
final case class Box(xmin: Double, ymin: Double, xmax: Double, ymax: Double) {

  /** The whole pixels of an image that lie in the box.
    *
    * Edges are rounded as Pillow's `Image.crop` rounds them: to whole pixels, halves to the even number. The window ends at
    * the edge of the image, where Pillow would add black pixels.
    *
    * @throws ImageException
    *   when the box contains no pixel of the image, or an edge is not a number
    */
  def window(image: PixelSize): Window = {
    if (!Seq(xmin, ymin, xmax, ymax).forall(edge => !edge.isNaN && !edge.isInfinite))
      throw new ImageException(s"$this has an edge that is not a number")
    val (left, right) = (Box.pixel(xmin, image.width), Box.pixel(xmax, image.width))
    val (top, bottom) = (Box.pixel(ymin, image.height), Box.pixel(ymax, image.height))
    if (left >= right || top >= bottom)
      throw new ImageException(s"$this holds no pixel of the image, which is ${image.width} x ${image.height}")
    Window(top, left, bottom - top, right - left)
  }

  override def toString: String = s"the box ($xmin, $ymin, $xmax, $ymax)"
}

object Box {

  /** The whole pixel nearest to an edge, within the image. */
  private def pixel(edge: Double, length: Int): Int = math.rint(edge).max(0).min(length.toDouble).toInt
}
