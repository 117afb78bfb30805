package sparkvision.ml

import sparkvision.engine.{ImageException, Picture}

/** Makes an annotation of each picture. */
final private[ml] case class AssemblePictures(name: String, decoding: Boolean) extends PictureFunction {
  override def description: String = s"decode=$decoding"
  override def keepsEveryRow: Boolean = true
  override def mayFail: Boolean = false
  override def modelHash: Option[String] = None

  override def apply(pictures: Iterator[SourcePicture], metrics: PictureMetrics): Iterator[Option[Seq[Any]]] =
    pictures.map { source =>
      val assembled = Annotation.image(source.copy(picture = assemble(source.picture, metrics)))
      metrics.picture(isUsable = !assembled.isNullAt(Annotation.imageType.fieldIndex("result")))
      Some(Seq(Seq(assembled)))
    }

  private def assemble(picture: Picture, metrics: PictureMetrics): Picture = picture match {
    case Picture.Encoded(bytes) if decoding =>
      try Picture.Decoded(metrics.decode(bytes))
      catch { case e: ImageException => Picture.Unusable(e.reason) }
    case other => other
  }
}
