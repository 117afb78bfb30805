package sparkvision.ml

/** Labels each picture: the columns of a classification stage. */
final private[ml] case class ClassifyPictures(
    name: String,
    runner: PartitionRunner,
    badImageMode: String,
    output: ClassificationOutput
) extends PictureFunction {
  override def description: String = s"${runner.description}, badImageMode=$badImageMode"
  override def keepsEveryRow: Boolean = badImageMode != BadImageMode.DropMalformed
  override def mayFail: Boolean = badImageMode == BadImageMode.FailFast

  override def apply(pictures: Iterator[SourcePicture], metrics: PictureMetrics): Iterator[Option[Seq[Any]]] =
    runner.run(pictures, metrics)(_.picture).map { case (source, result) =>
      BadImages.handle(badImageMode, source, result).map(output.values(source, _))
    }
}
