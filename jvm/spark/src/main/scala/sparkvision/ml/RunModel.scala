package sparkvision.ml

/** Runs each picture through a model, and treats bad ones as the stage's badImageMode says. */
final private[ml] case class RunModel[R](
    name: String,
    runner: PartitionRunner,
    badImageMode: String,
    output: ModelOutput[R]
) extends PictureFunction {
  override def description: String = s"${runner.description}, badImageMode=$badImageMode"
  override def modelHash: Option[String] = Some(runner.model.bundleHash)
  override def keepsEveryRow: Boolean = badImageMode != BadImageMode.DropMalformed
  override def mayFail: Boolean = badImageMode == BadImageMode.FailFast

  override def apply(pictures: Iterator[SourcePicture], metrics: PictureMetrics): Iterator[Option[Seq[Any]]] =
    runner.run(pictures, output, metrics)(_.picture).map { case (source, result) =>
      BadImages.handle(badImageMode, source, result).map(output.values(source, _))
    }
}
