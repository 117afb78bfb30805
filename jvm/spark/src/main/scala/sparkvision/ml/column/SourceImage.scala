package sparkvision.ml.column

import sparkvision.image.codec.format.ImageHeader
import sparkvision.image.{ImageException, ImageInput}

/** An image as a row holds it, with the name it is reported by.
  *
  * @param argument
  *   what else of the row the stage reads, as Spark's Row has it; null for a stage that reads the image alone
  */
final case class SourceImage(image: ImageInput, origin: String, argument: Any = null) {

  /** With the name that counts: what the user says, else what the image itself knows, else the default. */
  def named(byUser: Option[String], byDefault: Option[String]): SourceImage =
    copy(origin = byUser.orElse(Some(origin).filter(_.nonEmpty)).orElse(byDefault).getOrElse(""))

  /** Size and kind, from the header alone; of an unusable image only the origin is known. */
  def facts: ImageFacts = image match {
    case ImageInput.Encoded(bytes) =>
      val (height, width) =
        try {
          val header = ImageHeader.read(bytes)
          (header.uprightHeight, header.uprightWidth)
        } catch { case _: ImageException => (0, 0) }
      ImageFacts(origin, height, width, nChannels = 3, mode = Annotation.EncodedMode)
    case ImageInput.Decoded(pixels) =>
      ImageFacts(origin, pixels.height, pixels.width, nChannels = 3, mode = ImageReader.BgrMode)
    case ImageInput.Unusable(_) => ImageFacts(origin, 0, 0, 0, Annotation.EncodedMode)
  }
}
