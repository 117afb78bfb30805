package sparkvision.ml.task

import org.apache.spark.sql.Row

import sparkvision.image.{ImageException, ImageInput, PixelSize, Pixels, Window}
import sparkvision.ml.column.{Annotation, SourceImage}

/** One box of an image, cut out of it.
  *
  * @param index
  *   of the box among the image's
  * @param image
  *   decoded; or why there is none
  * @param metadata
  *   what is known of the box, and its edges in the image's whole pixels: `xmin`, `ymin`, `xmax`, `ymax`
  */
final private[ml] case class Crop(index: Int, image: SourceImage, metadata: Map[String, String]) {

  def annotation: Row = Annotation.image(image, metadata + ("detection" -> index.toString))

  def problem: Option[String] = image.image match {
    case ImageInput.Unusable(reason) => Some(s"detection $index: $reason")
    case _ => None
  }

  def bytes: Long = image.image match {
    case ImageInput.Decoded(pixels) => pixels.rgb.length.toLong
    case _ => 0L
  }

  def refused(reason: String): Crop = copy(image = image.copy(image = ImageInput.Unusable(reason)))
}

private[ml] object Crop {

  def apply(index: Int, found: FoundBox, pixels: Pixels, origin: String): Crop =
    try {
      val window = found.box.window(PixelSize(pixels.height, pixels.width))
      val cut = SourceImage(ImageInput.Decoded(window.of(pixels)), origin)
      Crop(index, cut, found.metadata ++ edges(window))
    } catch {
      case e: ImageException => Crop(index, SourceImage(ImageInput.Unusable(e.reason), origin), found.metadata)
    }

  private def edges(window: Window): Map[String, String] = Map(
    "xmin" -> window.left,
    "ymin" -> window.top,
    "xmax" -> (window.left + window.width),
    "ymax" -> (window.top + window.height)
  ).map { case (edge, pixel) => edge -> pixel.toString }
}
