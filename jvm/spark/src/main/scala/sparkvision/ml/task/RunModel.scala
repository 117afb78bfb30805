package sparkvision.ml.task

import sparkvision.ml.column.{BadImages, SourceImage}
import sparkvision.ml.metrics.ImageMetrics
import sparkvision.ml.output.ModelOutput
import sparkvision.ml.param.BadImageMode

/** Runs each image through a model, and treats bad ones as the stage's badImageMode says. */
final private[ml] case class RunModel[R](
    name: String,
    runner: PartitionRunner,
    badImageMode: String,
    output: ModelOutput[R]
) extends ImageFunction {
  override def description: String = s"${runner.description}, badImageMode=$badImageMode"
  override def modelHash: Option[String] = Some(runner.model.bundleHash)
  override def keepsEveryRow: Boolean = badImageMode != BadImageMode.DropMalformed
  override def mayFail: Boolean = badImageMode == BadImageMode.FailFast

  override def apply(images: Iterator[SourceImage], metrics: ImageMetrics): Iterator[Option[Seq[Any]]] =
    runner.run(images, output, metrics)(_.image).map { case (source, result) =>
      BadImages.handle(badImageMode, source, result).map(output.values(source, _))
    }
}
