package sparkvision.ml

import org.apache.spark.TaskContext

import sparkvision.engine.{HashAlgorithm, PictureHasher}

/** Hashes each picture, and treats bad ones as the stage's badImageMode says.
  *
  * @param hasErrorCol
  *   whether the reason why there is no hash is a column too
  */
final private[ml] case class HashPictures(
    name: String,
    algorithm: HashAlgorithm,
    maxImagePixels: Long,
    badImageMode: String,
    hasErrorCol: Boolean
) extends PictureFunction {
  override def description: String = s"algorithm=$algorithm, badImageMode=$badImageMode"
  override def keepsEveryRow: Boolean = badImageMode != BadImageMode.DropMalformed
  override def mayFail: Boolean = badImageMode == BadImageMode.FailFast
  override def modelHash: Option[String] = None

  override def apply(pictures: Iterator[SourcePicture], metrics: PictureMetrics): Iterator[IterableOnce[Seq[Any]]] = {
    val decoded = DecodedPictures.of(TaskContext.get())
    decoded.keep()
    val hasher = new PictureHasher(algorithm, maxImagePixels, metrics)
    pictures.map { source =>
      val hash = hasher.hash(decoded.take(source.picture, maxImagePixels))
      metrics.picture(isUsable = hash.isRight)
      BadImages.handle(badImageMode, source, hash).map(values)
    }
  }

  private def values(hash: Either[String, Long]): Seq[Any] =
    hash.fold[Any](_ => null, bits => bits) +: Option.when(hasErrorCol)(hash.left.toOption.orNull).toSeq
}
