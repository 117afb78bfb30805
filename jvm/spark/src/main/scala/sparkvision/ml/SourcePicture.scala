package sparkvision.ml

import sparkvision.engine.{ImageException, ImageHeader, Picture}

/** A picture as a row holds it, with the name it is reported by.
  *
  * @param argument
  *   what else of the row the stage reads, as Spark's Row has it; null for a stage that reads the picture alone
  */
final case class SourcePicture(picture: Picture, origin: String, argument: Any = null) {

  /** With the name that counts: what the user says, else what the picture itself knows, else the default. */
  def named(byUser: Option[String], byDefault: Option[String]): SourcePicture =
    copy(origin = byUser.orElse(Some(origin).filter(_.nonEmpty)).orElse(byDefault).getOrElse(""))

  /** Size and kind, from the header alone; of an unusable picture only the origin is known. */
  def facts: PictureFacts = picture match {
    case Picture.Encoded(bytes) =>
      val (height, width) =
        try {
          val header = ImageHeader.read(bytes)
          (header.uprightHeight, header.uprightWidth)
        } catch { case _: ImageException => (0, 0) }
      PictureFacts(origin, height, width, nChannels = 3, mode = Annotation.EncodedMode)
    case Picture.Decoded(pixels) =>
      PictureFacts(origin, pixels.height, pixels.width, nChannels = 3, mode = PictureReader.BgrMode)
    case Picture.Unusable(_) => PictureFacts(origin, 0, 0, 0, Annotation.EncodedMode)
  }
}
