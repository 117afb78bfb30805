package sparkvision.ml.task

import scala.concurrent.duration._

import org.apache.spark.{SparkConf, SparkContext, TaskContext}

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{BundleException, ModelBundle}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.runtime.{Cancellation, VisibleGpus}
import sparkvision.engine.session.ModelListener
import sparkvision.image.ImageInput
import sparkvision.ml.metrics.ImageMetrics
import sparkvision.ml.model.{DistributedModel, ExecutorModels, TaskGpu}
import sparkvision.ml.output.ModelOutput

/** Runs a partition's images through a model: an iterator of images in, an iterator of results out, in order. Knows
  * tasks, but no rows.
  *
  * @param deviceId
  *   the GPU; -1: as [[TaskGpu]] says
  * @param intraOpThreads
  *   0: as many as the task has cores, and those that no task uses
  */
final private[ml] case class PartitionRunner(
    model: DistributedModel,
    settings: ModelSettings,
    deviceId: Int,
    intraOpThreads: Int
) {

  /** Each item with its image's result, or with the reason why there is none. An empty partition loads no model. */
  def run[A, R](items: Iterator[A], output: ModelOutput[R], metrics: ImageMetrics)(
      image: A => ImageInput
  ): Iterator[(A, Either[String, R])] =
    if (items.isEmpty) Iterator.empty
    else {
      val listener = ModelListener.both(metrics, DecodedImages.of(TaskContext.get()).ofStage())
      val local = opened(new LocalModel(_, _, listener, _))
      output.results(local, items)(image).map { result =>
        metrics.image(isUsable = result._2.isRight)
        result
      }
    }

  /** What `open` makes, in this task, of the model, its settings and whether Spark has killed the task; closed when the task
    * ends.
    */
  def opened[M <: AutoCloseable](open: (ModelBundle, ModelSettings, Cancellation) => M): M = {
    val task = TaskContext.get()
    task.addTaskFailureListener((_, error) => if (mayBeTheCopys(error)) ExecutorModels.shared.discardIfDamaged(model))
    val local = open(ExecutorModels.shared.open(model), settingsFor(task), () => task.isInterrupted())
    task.addTaskCompletionListener[Unit](_ => local.close())
    local
  }

  /** Whether a damaged copy of the model would explain the error: when Spark tries the task again, there or elsewhere, it is
    * to find a whole one. Writers and SQL operators wrap the error.
    */
  private def mayBeTheCopys(error: Throwable): Boolean =
    Iterator.iterate(error)(_.getCause).takeWhile(_ != null).exists(_.isInstanceOf[BundleException])

  private def settingsFor(task: TaskContext): ModelSettings = {
    val assigned = task.resources().get("gpu").fold(Seq.empty[String])(_.addresses.toSeq)
    val device = TaskGpu.of(settings.session.provider, deviceId, assigned, task.partitionId(), VisibleGpus.count)
    val threads = if (intraOpThreads > 0) intraOpThreads else task.cpus()
    // Who says how many threads a run may have has as many, and no others.
    val cores = if (intraOpThreads > 0) 1 else settings.cores / threads
    settings.copy(session = settings.session.copy(deviceId = device, intraOpThreads = threads), cores = cores)
  }
}

private[ml] object PartitionRunner {
  private val LocalCores = """local\[(\d+|\*)(?:\s*,\s*\d+)?\]""".r

  /** The cores of each executor, where Spark's settings say it; else 1. */
  def executorCores(conf: SparkConf): Int = conf.get("spark.master", "") match {
    case LocalCores("*") => Runtime.getRuntime.availableProcessors
    case LocalCores(count) => count.toInt
    case _ => conf.getInt("spark.executor.cores", 1)
  }

  /** How long an unused session stays open: long enough for the next micro-batch of a stream to find it. */
  def sessionIdle(context: SparkContext): FiniteDuration =
    context.getConf.getTimeAsMs("spark.sparkvision.sessionIdle", "5min").millis
}
