package sparkvision.image.preprocess

import sparkvision.image.{PixelSize, Pixels, Window}

/** The centre of an image; an image that is too small gets a black margin (transformers' `center_crop`).
  *
  * @param window
  *   the part of the image that is kept
  * @param size
  *   of the result
  * @param top
  *   black rows above the kept part
  * @param left
  *   black columns left of it
  */
private[sparkvision] final case class CenterCrop(window: Window, size: PixelSize, top: Int, left: Int) {

  /** The result, from the pixels of [[window]]. */
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

  /** @param image
    *   the size of the image to crop
    * @param size
    *   of the result
    */
  def apply(image: PixelSize, size: PixelSize): CenterCrop = {
    val (top, height, above) = axis(image.height, size.height)
    val (left, width, before) = axis(image.width, size.width)
    CenterCrop(Window(top, left, height, width), size, above, before)
  }

  /** First position kept, how many, and the black ones before them. An odd surplus is cut at the end, an odd margin is
    * wider at the start.
    */
  private def axis(pixels: Int, crop: Int): (Int, Int, Int) =
    if (pixels >= crop) ((pixels - crop) / 2, crop, 0) else (0, pixels, (crop - pixels + 1) / 2)
}
