package sparkvision.ml

import org.apache.spark.sql.Row

import sparkvision.engine.{ImageDecoder, ImageException, ImageFormat, Picture, Pixels}

/** Makes an annotation of each picture. */
final private[ml] case class AssemblePictures(name: String, decoding: Boolean) extends PictureFunction {
  override def description: String = s"decode=$decoding"
  override def keepsEveryRow: Boolean = true
  override def mayFail: Boolean = false
  override def modelHash: Option[String] = None

  override def apply(pictures: Iterator[SourcePicture], metrics: PictureMetrics): Iterator[Option[Seq[Any]]] =
    pictures.map { source =>
      val assembled = annotation(source)
      metrics.picture(isUsable = !assembled.isNullAt(Annotation.imageType.fieldIndex("result")))
      Some(Seq(Seq(assembled)))
    }

  private def annotation(source: SourcePicture): Row = source.picture match {
    case Picture.Encoded(bytes) if decoding =>
      try annotation(source.copy(picture = Picture.Decoded(ImageDecoder.decode(bytes))))
      catch { case e: ImageException => annotation(source.copy(picture = Picture.Unusable(e.reason))) }
    case Picture.Encoded(bytes) =>
      Annotation.image(source.facts, bytes, ImageFormat.of(bytes).map(format => "format" -> format.name).toMap)
    case Picture.Decoded(pixels) => Annotation.image(source.facts, Pixels.toOpenCv(pixels), Map.empty)
    case Picture.Unusable(reason) => Annotation.image(source.facts, null, Map(PictureReader.ReasonKey -> reason))
  }
}
