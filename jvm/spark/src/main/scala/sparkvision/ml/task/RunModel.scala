package sparkvision.ml.task

import org.apache.spark.sql.SparkSession

import sparkvision.ml.column.{BadImages, SourceImage}
import sparkvision.ml.metrics.ImageMetrics
import sparkvision.ml.output.ModelOutput
import sparkvision.ml.param.BadImageMode

/** Runs each image through a model, and treats bad images as the stage's badImageMode says. */
final private[ml] case class RunModel[R](
    name: String,
    run: ModelRun,
    badImageMode: String,
    output: ModelOutput[R]
) extends RowFunction[SourceImage] {
  override def description: String = s"${run.description}, badImageMode=$badImageMode"
  override def input: RowInput[SourceImage] = RowInput.Image
  override def keepsEveryRow: Boolean = badImageMode != BadImageMode.DropMalformed
  override def mayFail: Boolean = badImageMode == BadImageMode.FailFast

  override def start(spark: SparkSession): RowTask[SourceImage] =
    new RunModelTask(run.start(spark)(run.requireFitting), badImageMode, output)
}

/** [[RunModel]] inside the tasks. */
final private[ml] class RunModelTask[R](runner: PartitionRunner, badImageMode: String, output: ModelOutput[R])
    extends RowTask[SourceImage] {

  override def modelHash: Option[String] = Some(runner.model.bundleHash)

  override def apply(images: Iterator[SourceImage], metrics: ImageMetrics): Iterator[Option[Seq[Any]]] =
    runner.run(images, output, metrics)(_.image).map { case (source, result) =>
      BadImages.handle(badImageMode, source, result).map(output.values(source, _))
    }
}
