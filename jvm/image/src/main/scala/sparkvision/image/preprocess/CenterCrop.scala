package sparkvision.image.preprocess

import sparkvision.image.{PixelSize, Pixels, Window}

/** The centre crop of an image, as transformers' `center_crop`. An image that is too small gets a black margin.
  *
  * @param window
  *   the part of the image that is kept
  * @param size
  *   the size of the result
  * @param top
  *   black rows above the kept part
  * @param left
  *   black columns to the left of the kept part
  */
private[sparkvision] final case class CenterCrop(window: Window, size: PixelSize, top: Int, left: Int) {

  /** The result for the pixels of [[window]]. */
  def place(kept: Pixels): Pixels =
    if (kept.height == size.height && kept.width == size.width) kept
    else {
      val rgb = new Array[Byte](size.height * size.width * 3)
      (0 until kept.height).foreach { row =>
        System.arraycopy(kept.rgb, row * kept.width * 3, rgb, ((top + row) * size.width + left) * 3, kept.width * 3)
      }
      new Pixels(size.width, size.height, rgb)
    }
}

private[sparkvision] object CenterCrop {

  /** The crop of an image.
    *
    * @param image
    *   the size of the image
    * @param size
    *   the size of the result
    */
  def apply(image: PixelSize, size: PixelSize): CenterCrop = {
    val (top, height, above) = axis(image.height, size.height)
    val (left, width, before) = axis(image.width, size.width)
    CenterCrop(Window(top, left, height, width), size, above, before)
  }

  /** The first position that is kept, the number of kept positions, and the number of black positions before them. When an
    * odd number of positions is removed, the end loses one more; an odd margin is wider at the start.
    */
  private def axis(pixels: Int, crop: Int): (Int, Int, Int) =
    if (pixels >= crop) ((pixels - crop) / 2, crop, 0) else (0, pixels, (crop - pixels + 1) / 2)
}
