package sparkvision.ml.task

import org.apache.spark.TaskContext
import org.apache.spark.sql.SparkSession

import sparkvision.image.{ImageException, ImageInput, Pixels}
import sparkvision.ml.column.{BadImages, DetectedBox, SourceImage}
import sparkvision.ml.metrics.ImageMetrics
import sparkvision.ml.param.BadImageMode

/** Crops the boxes of each image.
  *
  * @param explode
  *   whether each crop gets a row of its own
  * @param keepEmpty
  *   whether an image without boxes keeps a row when `explode` is true
  * @param withReason
  *   whether the function adds a column of reasons
  */
final private[ml] case class CropImages(
    name: String,
    badImageMode: String,
    maxImagePixels: Long,
    explode: Boolean,
    keepEmpty: Boolean,
    withReason: Boolean
) extends RowFunction[SourceImage]
    with RowTask[SourceImage] {
  override def description: String = s"explode=$explode, keepEmpty=$keepEmpty, badImageMode=$badImageMode"
  override def input: RowInput[SourceImage] = RowInput.Image
  override def keepsEveryRow: Boolean = !explode && badImageMode != BadImageMode.DropMalformed
  override def mayMultiplyRows: Boolean = explode
  override def mayFail: Boolean = badImageMode == BadImageMode.FailFast
  override def start(spark: SparkSession): RowTask[SourceImage] = this

  override def apply(images: Iterator[SourceImage], metrics: ImageMetrics): Iterator[IterableOnce[Seq[Any]]] = {
    val decoded = DecodedImages.of(TaskContext.get())
    decoded.keep()
    images.map { source =>
      val crops =
        try Right(cropsOf(source, pixelsOf(_, decoded, metrics)))
        catch { case e: ImageException => Left(e.reason) }
      metrics.image(isUsable = crops.isRight)
      BadImages.handle(badImageMode, source, crops).fold[IterableOnce[Seq[Any]]](None)(rows)
    }
  }

  /** @param pixels
    *   decodes an image; it is not called for an image without boxes
    */
  private def cropsOf(source: SourceImage, pixels: ImageInput => Pixels): Iterator[Crop] =
    DetectedBox.all(source.argument) match {
      case Some(Seq()) => Iterator.empty
      case Some(boxes) =>
        val image = pixels(source.image)
        boxes.iterator.zipWithIndex.map { case (detected, index) => Crop(index, detected, image, source.origin) }
      case None =>
        // Detections are null for an image that cannot be used; decoding it reports the reason.
        val _ = pixels(source.image)
        throw new ImageException("its detections are null: the stage that detects gave none; see its errorCol")
    }

  private def pixelsOf(image: ImageInput, decoded: DecodedImages, metrics: ImageMetrics): Pixels =
    decoded.take(image, maxImagePixels) match {
      case ImageInput.Encoded(bytes) => metrics.decode(bytes, maxImagePixels)
      case ImageInput.Decoded(pixels) => pixels
      case ImageInput.Unusable(reason) => throw new ImageException(reason)
    }

  private def rows(crops: Either[String, Iterator[Crop]]): IterableOnce[Seq[Any]] = crops match {
    case Left(reason) => Some(row(Seq.empty, Some(reason)))
    case Right(none) if none.isEmpty => Option.when(keepEmpty || !explode)(row(Seq.empty, None))
    // Lazily: a row and its pixels are released before the next row is made.
    case Right(each) if explode => each.map(crop => row(Seq(crop), crop.problem))
    case Right(together) =>
      val all = fittingARow(together)
      val problems = all.flatMap(_.problem)
      Some(row(all, Option.when(problems.nonEmpty)(problems.mkString("; "))))
  }

  /** A hundred crops of a large image may have more bytes than a row or this process can hold. */
  private def fittingARow(crops: Iterator[Crop]): Seq[Crop] = {
    val most = math.min(1L << 30, Runtime.getRuntime.maxMemory / 8)
    var bytes = 0L
    crops.map { crop =>
      bytes += crop.bytes
      if (bytes <= most) crop
      else crop.refused(s"the crops of one row have more than $most bytes; set explode to true, for one row per crop")
    }.toSeq
  }

  private def row(crops: Seq[Crop], reason: Option[String]): Seq[Any] =
    crops.map(_.annotation) +: (if (withReason) Seq(reason.orNull) else Nil)
}
