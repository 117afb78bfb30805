package sparkvision.ml.task

import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.ModelBundle
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.ml.column.{BadImages, SourceImage}
import sparkvision.ml.metrics.ImageMetrics
import sparkvision.ml.model.ModelReference
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

/** A model and how it is run, as query plans hold it.
  *
  * @param deviceId
  *   the GPU; -1: as `TaskGpu` chooses
  * @param intraOpThreads
  *   0: as many as the task has cores, and those that no task uses
  */
final private[ml] case class ModelRun(
    model: ModelReference,
    settings: ModelSettings,
    deviceId: Int = -1,
    intraOpThreads: Int = 0
) {

  /** The model and its settings, as query plans show them. */
  def description: String =
    s"model=$model, executionProvider=${settings.session.provider}, batchSize=${settings.batchSize.getOrElse("default")}"

  /** Refuses settings that the model cannot take, so that the driver reports them and not every task. Opens no session. */
  def requireFitting(bundle: ModelBundle): Unit = settings.validate(bundle)

  /** Fetches the model and sends it to the executors: the execution of a query starts with this.
    *
    * @param check
    *   refuses a bundle that cannot be run
    */
  def start(spark: SparkSession)(check: ModelBundle => Unit): PartitionRunner = {
    val bundle = model.bundle(spark)
    check(bundle)
    PartitionRunner(model.send(bundle, spark.sparkContext), settings, deviceId, intraOpThreads)
  }
}
