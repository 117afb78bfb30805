package sparkvision.image

/** Turns a stored image upright by the EXIF orientation (CIPA DC-008, section 4.6.4). Pixels are moved and keep their
  * values.
  */
private[sparkvision] object Orientation {

  /** Turns an image upright.
    *
    * @param orientation
    *   1 to 8
    * @return
    *   the upright image; for orientation 1 `stored` itself
    */
  def upright(stored: PixelRows, orientation: Int): PixelRows = {
    val (w, h) = (stored.width, stored.height)
    // Pixel (x, y) of the upright image is the stored pixel number start + x * acrossStep + y * downStep.
    orientation match {
      case 2 => turn(stored, w, h, start = w - 1, acrossStep = -1, downStep = w)
      case 3 => turn(stored, w, h, start = w * h - 1, acrossStep = -1, downStep = -w)
      case 4 => turn(stored, w, h, start = w * (h - 1), acrossStep = 1, downStep = -w)
      case 5 => turn(stored, h, w, start = 0, acrossStep = w, downStep = 1)
      case 6 => turn(stored, h, w, start = w * (h - 1), acrossStep = -w, downStep = 1)
      case 7 => turn(stored, h, w, start = w * h - 1, acrossStep = -w, downStep = -1)
      case 8 => turn(stored, h, w, start = w - 1, acrossStep = w, downStep = -1)
      case _ => stored
    }
  }

  private def turn(stored: PixelRows, width: Int, height: Int, start: Int, acrossStep: Int, downStep: Int): Pixels = {
    // The pixels are read from the decoder's memory; an array of them would be an unnecessary copy.
    val from = stored.bytes
    val to = new Array[Byte](width * height * 3)
    var target = 0
    var y = 0
    while (y < height) {
      var source = (start + y * downStep) * 3
      var x = 0
      while (x < width) {
        to(target) = from.get(source)
        to(target + 1) = from.get(source + 1)
        to(target + 2) = from.get(source + 2)
        target += 3
        source += acrossStep * 3
        x += 1
      }
      y += 1
    }
    new Pixels(width, height, to)
  }
}
