package sparkvision.ml.task

import org.apache.spark.TaskContext
import org.apache.spark.sql.SparkSession

import sparkvision.engine.pipeline.ImageHasher
import sparkvision.image.hash.HashAlgorithm
import sparkvision.ml.column.{BadImages, SourceImage}
import sparkvision.ml.metrics.ImageMetrics
import sparkvision.ml.param.BadImageMode

/** Hashes each image, and treats bad images as the stage's badImageMode says.
  *
  * @param hasErrorCol
  *   whether the function adds a column of reasons why there is no hash
  */
final private[ml] case class HashImages(
    name: String,
    algorithm: HashAlgorithm,
    maxImagePixels: Long,
    badImageMode: String,
    hasErrorCol: Boolean
) extends RowFunction[SourceImage]
    with RowTask[SourceImage] {
  override def description: String = s"algorithm=$algorithm, badImageMode=$badImageMode"
  override def input: RowInput[SourceImage] = RowInput.Image
  override def keepsEveryRow: Boolean = badImageMode != BadImageMode.DropMalformed
  override def mayFail: Boolean = badImageMode == BadImageMode.FailFast
  override def start(spark: SparkSession): RowTask[SourceImage] = this

  override def apply(images: Iterator[SourceImage], metrics: ImageMetrics): Iterator[IterableOnce[Seq[Any]]] = {
    val decoded = DecodedImages.of(TaskContext.get())
    decoded.keep()
    val hasher = new ImageHasher(algorithm, maxImagePixels, metrics)
    images.map { source =>
      val hash = hasher.hash(decoded.take(source.image, maxImagePixels))
      metrics.image(isUsable = hash.isRight)
      BadImages.handle(badImageMode, source, hash).map(values)
    }
  }

  private def values(hash: Either[String, Long]): Seq[Any] =
    hash.fold[Any](_ => null, bits => bits) +: Option.when(hasErrorCol)(hash.left.toOption.orNull).toSeq
}
