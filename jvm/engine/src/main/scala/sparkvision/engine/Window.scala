package sparkvision.engine

/** A rectangle within a picture, in pixels. */
final case class Window(top: Int, left: Int, height: Int, width: Int)

object Window {

  /** All of a picture. */
  def whole(size: PixelSize): Window = Window(0, 0, size.height, size.width)
}
