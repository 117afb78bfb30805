package sparkvision.ml.task

import org.apache.spark.sql.Row

import sparkvision.image.{ImageException, ImageInput, PixelSize, Pixels, Window}
import sparkvision.ml.column.{Annotation, DetectedBox, SourceImage}

/** The part of an image that lies in one box.
  *
  * @param index
  *   of the box among the boxes of the image
  * @param image
  *   the decoded part, or the reason why there is none
  * @param metadata
  *   what is known of the object in the box, and the edges of the part in whole pixels: `xmin`, `ymin`, `xmax`, `ymax`
  */
final private[ml] case class Crop(index: Int, image: SourceImage, metadata: Map[String, String]) {

  def annotation: Row = Annotation.image(image, metadata + ("detection" -> index.toString))

  /** The reason why there is no part. */
  def problem: Option[String] = image.image match {
    case ImageInput.Unusable(reason) => Some(s"detection $index: $reason")
    case _ => None
  }

  /** Bytes of the decoded part. */
  def bytes: Long = image.image match {
    case ImageInput.Decoded(pixels) => pixels.rgb.length.toLong
    case _ => 0L
  }

  def refused(reason: String): Crop = copy(image = image.copy(image = ImageInput.Unusable(reason)))
}

private[ml] object Crop {

  def apply(index: Int, detected: DetectedBox, pixels: Pixels, origin: String): Crop =
    try {
      val window = detected.box.window(PixelSize(pixels.height, pixels.width))
      val cut = SourceImage(ImageInput.Decoded(window.of(pixels)), origin)
      Crop(index, cut, detected.metadata ++ edges(window))
    } catch {
      case e: ImageException => Crop(index, SourceImage(ImageInput.Unusable(e.reason), origin), detected.metadata)
    }

  private def edges(window: Window): Map[String, String] = Map(
    "xmin" -> window.left,
    "ymin" -> window.top,
    "xmax" -> (window.left + window.width),
    "ymax" -> (window.top + window.height)
  ).map { case (edge, pixel) => edge -> pixel.toString }
}
