package sparkvision.ml

import scala.concurrent.duration._

import org.apache.spark.{SparkContext, TaskContext}

import sparkvision.engine.{BundleException, LocalModel, ModelSettings, Picture, VisibleGpus}

/** Runs a partition's pictures through a model: an iterator of pictures in, an iterator of results out, in order. Knows
  * tasks, but no rows.
  *
  * @param deviceId
  *   the GPU; -1: as [[TaskGpu]] says
  * @param intraOpThreads
  *   0: as many as the task has cores
  */
final private[ml] case class PartitionRunner(
    model: DistributedModel,
    settings: ModelSettings,
    deviceId: Int,
    intraOpThreads: Int
) {

  /** The model and its settings, as query plans show them. */
  def description: String =
    s"model=${model.bundleHash.take(12)}, executionProvider=${settings.session.provider}, batchSize=${settings.batchSize}"

  /** Each item with its picture's result, or with the reason why there is none. An empty partition loads no model. */
  def run[A, R](items: Iterator[A], output: ModelOutput[R], metrics: PictureMetrics)(
      picture: A => Picture
  ): Iterator[(A, Either[String, R])] =
    if (items.isEmpty) Iterator.empty
    else {
      val task = TaskContext.get()
      task.addTaskFailureListener((_, error) => if (blamesTheCopy(error)) ExecutorModels.shared.discard(model))
      val local = new LocalModel(ExecutorModels.shared.open(model), settingsFor(task), metrics)
      task.addTaskCompletionListener[Unit](_ => local.close())
      output.results(local, items)(picture).map { result =>
        metrics.picture(isUsable = result._2.isRight)
        result
      }
    }

  /** Whether a session could not be opened from this executor's copy of the model. When Spark tries the task again, there or
    * elsewhere, it finds a new copy. Writers and SQL operators wrap the error.
    */
  private def blamesTheCopy(error: Throwable): Boolean =
    Iterator.iterate(error)(_.getCause).takeWhile(_ != null).exists(_.isInstanceOf[BundleException])

  private def settingsFor(task: TaskContext): ModelSettings = {
    val assigned = task.resources().get("gpu").fold(Seq.empty[String])(_.addresses.toSeq)
    val device = TaskGpu.of(deviceId, assigned, task.partitionId(), VisibleGpus.count)
    val threads = if (intraOpThreads > 0) intraOpThreads else task.cpus()
    settings.copy(session = settings.session.copy(deviceId = device, intraOpThreads = threads))
  }
}

private[ml] object PartitionRunner {

  /** How long an unused session stays open: long enough for the next micro-batch of a stream to find it. */
  def sessionIdle(context: SparkContext): FiniteDuration =
    context.getConf.getTimeAsMs("spark.sparkvision.sessionIdle", "5min").millis
}
