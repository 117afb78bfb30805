package sparkvision.engine

/** A decoded picture: 8-bit RGB, row by row from the top, three bytes a pixel.
  *
  * @param rgb
  *   `height * width * 3` bytes. Not copied: whoever makes a `Pixels` hands the array over.
  */
final class Pixels(val width: Int, val height: Int, val rgb: Array[Byte]) {
  require(width > 0 && height > 0, s"a picture has at least one pixel, not $width x $height")
  require(
    rgb.length == width * height * 3,
    s"$width x $height RGB pixels need ${width * height * 3} bytes, not ${rgb.length}"
  )
}
