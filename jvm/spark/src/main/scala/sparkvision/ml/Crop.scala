package sparkvision.ml

import org.apache.spark.sql.Row

import sparkvision.engine.{ImageException, Picture, PixelSize, Pixels, Window}

/** One box of a picture, cut out of it.
  *
  * @param index
  *   of the box among the picture's
  * @param picture
  *   decoded; or why there is none
  * @param metadata
  *   what is known of the box, and its edges in the picture's whole pixels: `xmin`, `ymin`, `xmax`, `ymax`
  */
final private[ml] case class Crop(index: Int, picture: SourcePicture, metadata: Map[String, String]) {

  def annotation: Row = Annotation.image(picture, metadata + ("detection" -> index.toString))

  def problem: Option[String] = picture.picture match {
    case Picture.Unusable(reason) => Some(s"detection $index: $reason")
    case _ => None
  }

  def bytes: Long = picture.picture match {
    case Picture.Decoded(pixels) => pixels.rgb.length.toLong
    case _ => 0L
  }

  def refused(reason: String): Crop = copy(picture = picture.copy(picture = Picture.Unusable(reason)))
}

private[ml] object Crop {

  def apply(index: Int, found: FoundBox, pixels: Pixels, origin: String): Crop =
    try {
      val window = found.box.window(PixelSize(pixels.height, pixels.width))
      val cut = SourcePicture(Picture.Decoded(window.of(pixels)), origin)
      Crop(index, cut, found.metadata ++ edges(window))
    } catch {
      case e: ImageException => Crop(index, SourcePicture(Picture.Unusable(e.reason), origin), found.metadata)
    }

  private def edges(window: Window): Map[String, String] = Map(
    "xmin" -> window.left,
    "ymin" -> window.top,
    "xmax" -> (window.left + window.width),
    "ymax" -> (window.top + window.height)
  ).map { case (edge, pixel) => edge -> pixel.toString }
}
