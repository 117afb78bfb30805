package sparkvision.ml.task

import org.apache.spark.sql.SparkSession

import sparkvision.image.{ImageException, ImageInput}
import sparkvision.ml.column.{Annotation, SourceImage}
import sparkvision.ml.metrics.ImageMetrics

/** Makes an annotation of each image. */
final private[ml] case class AssembleImages(name: String, decoding: Boolean)
    extends RowFunction[SourceImage]
    with RowTask[SourceImage] {
  override def description: String = s"decode=$decoding"
  override def input: RowInput[SourceImage] = RowInput.Image
  override def keepsEveryRow: Boolean = true
  override def mayFail: Boolean = false
  override def start(spark: SparkSession): RowTask[SourceImage] = this

  override def apply(images: Iterator[SourceImage], metrics: ImageMetrics): Iterator[Option[Seq[Any]]] =
    images.map { source =>
      val assembled = Annotation.image(source.copy(image = assemble(source.image, metrics)))
      metrics.image(isUsable = !assembled.isNullAt(Annotation.imageType.fieldIndex("result")))
      Some(Seq(Seq(assembled)))
    }

  private def assemble(image: ImageInput, metrics: ImageMetrics): ImageInput = image match {
    case ImageInput.Encoded(bytes) if decoding =>
      try ImageInput.Decoded(metrics.decode(bytes))
      catch { case e: ImageException => ImageInput.Unusable(e.reason) }
    case other => other
  }
}
