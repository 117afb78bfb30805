package sparkvision.ml

import org.apache.spark.TaskContext

import sparkvision.engine._

/** Cuts each picture's boxes out of it.
  *
  * @param explode
  *   whether each crop gets a row of its own
  * @param keepEmpty
  *   whether, then, a picture without boxes keeps a row
  * @param withReason
  *   whether a column of reasons follows that of crops
  */
final private[ml] case class CropPictures(
    name: String,
    badImageMode: String,
    maxImagePixels: Long,
    explode: Boolean,
    keepEmpty: Boolean,
    withReason: Boolean
) extends PictureFunction {
  override def description: String = s"explode=$explode, keepEmpty=$keepEmpty, badImageMode=$badImageMode"
  override def modelHash: Option[String] = None
  override def keepsEveryRow: Boolean = !explode && badImageMode != BadImageMode.DropMalformed
  override def mayMultiplyRows: Boolean = explode
  override def mayFail: Boolean = badImageMode == BadImageMode.FailFast

  override def apply(pictures: Iterator[SourcePicture], metrics: PictureMetrics): Iterator[IterableOnce[Seq[Any]]] = {
    val decoded = DecodedPictures.of(TaskContext.get())
    decoded.keep()
    pictures.map { source =>
      val crops =
        try Right(cropsOf(source, pixelsOf(_, decoded, metrics)))
        catch { case e: ImageException => Left(e.reason) }
      metrics.picture(isUsable = crops.isRight)
      BadImages.handle(badImageMode, source, crops).fold[IterableOnce[Seq[Any]]](None)(rows)
    }
  }

  /** @param pixels
    *   decodes: not asked of a picture without boxes
    */
  private def cropsOf(source: SourcePicture, pixels: Picture => Pixels): Iterator[Crop] =
    FoundBox.all(source.argument) match {
      case Some(Seq()) => Iterator.empty
      case Some(boxes) =>
        val picture = pixels(source.picture)
        boxes.iterator.zipWithIndex.map { case (found, index) => Crop(index, found, picture, source.origin) }
      case None =>
        // Whoever found nothing to look at in a picture had a reason, most likely this one.
        val _ = pixels(source.picture)
        throw new ImageException("its detections are null: the stage that detects gave none; see its errorCol")
    }

  private def pixelsOf(picture: Picture, decoded: DecodedPictures, metrics: PictureMetrics): Pixels =
    decoded.take(picture, maxImagePixels) match {
      case Picture.Encoded(bytes) => metrics.decode(bytes, maxImagePixels)
      case Picture.Decoded(pixels) => pixels
      case Picture.Unusable(reason) => throw new ImageException(reason)
    }

  private def rows(crops: Either[String, Iterator[Crop]]): IterableOnce[Seq[Any]] = crops match {
    case Left(reason) => Some(row(Seq.empty, Some(reason)))
    case Right(none) if none.isEmpty => Option.when(keepEmpty || !explode)(row(Seq.empty, None))
    // One after the other: a row and its pixels are gone when the next is made.
    case Right(each) if explode => each.map(crop => row(Seq(crop), crop.problem))
    case Right(together) =>
      val all = fittingARow(together)
      val problems = all.flatMap(_.problem)
      Some(row(all, Option.when(problems.nonEmpty)(problems.mkString("; "))))
  }

  /** A hundred boxes of a large picture may hold more bytes than a row can, or this process. */
  private def fittingARow(crops: Iterator[Crop]): Seq[Crop] = {
    val most = math.min(1L << 30, Runtime.getRuntime.maxMemory / 8)
    var bytes = 0L
    crops.map { crop =>
      bytes += crop.bytes
      if (bytes <= most) crop
      else crop.refused(s"the crops of one row have more than $most bytes; set explode to true, for a row a crop")
    }.toSeq
  }

  private def row(crops: Seq[Crop], reason: Option[String]): Seq[Any] =
    crops.map(_.annotation) +: (if (withReason) Seq(reason.orNull) else Nil)
}
