package sparkvision.image

/** Height and width in pixels, in the order that transformers uses. */
final case class PixelSize(height: Int, width: Int) {
  override def toString: String = s"$height x $width"
}

/** A rectangle of whole pixels that lies within an image. */
final case class Window(top: Int, left: Int, height: Int, width: Int) {

  /** The pixels of an image that lie in the window.
    *
    * @throws ImageException
    *   when the memory is not sufficient for the pixels
    */
  def of(pixels: PixelRows): Pixels =
    if (height == pixels.height && width == pixels.width) pixels.toPixels
    else {
      val rgb = ImageMemory.refusing(width, height)(new Array[Byte](height * width * 3))
      (0 until height).foreach { row =>
        pixels.bytes.get(((top + row) * pixels.width + left) * 3, rgb, row * width * 3, width * 3)
      }
      new Pixels(width, height, rgb)
    }
}

object Window {

  /** The window that contains the whole image. */
  def whole(size: PixelSize): Window = Window(0, 0, size.height, size.width)
}
