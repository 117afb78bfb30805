package sparkvision.ml.task

import scala.concurrent.duration._

import org.apache.spark.{SparkConf, SparkContext, TaskContext}

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{BundleException, ModelBundle}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.runtime.{Cancellation, VisibleGpus}
import sparkvision.engine.session.{ExecutorRuntime, ModelListener}
import sparkvision.image.ImageInput
import sparkvision.ml.metrics.ImageMetrics
import sparkvision.ml.model.{DistributedModel, ExecutorModels, TaskGpu}
import sparkvision.ml.output.ModelOutput

/** Runs the images of a partition through a model: an iterator of images in, an iterator of results out, in order.
  *
  * @param deviceId
  *   the GPU; -1 lets [[TaskGpu]] choose
  * @param intraOpThreads
  *   0 for as many threads as the task has cores, and the cores that no task uses
  */
final private[ml] case class PartitionRunner(
    model: DistributedModel,
    settings: ModelSettings,
    deviceId: Int,
    intraOpThreads: Int
) {

  /** Each item with the result of its image, or with the reason why there is none. An empty partition loads no model. */
  def run[A, R](items: Iterator[A], output: ModelOutput[R], metrics: ImageMetrics)(
      image: A => ImageInput
  ): Iterator[(A, Either[String, R])] =
    if (items.isEmpty) Iterator.empty
    else {
      val listener = ModelListener.both(metrics, DecodedImages.of(TaskContext.get()).ofStage())
      val local = opened(new LocalModel(_, _, listener, _, _))
      output.results(local, items)(image).map { result =>
        metrics.image(isUsable = result._2.isRight)
        result
      }
    }

  /** Opens the model in this task, and closes it when the task ends.
    *
    * @param open
    *   receives the model, its settings in this task, whether Spark has killed the task, and the runtime of this process
    */
  def opened[M <: AutoCloseable](open: (ModelBundle, ModelSettings, Cancellation, ExecutorRuntime) => M): M = {
    val task = TaskContext.get()
    val runtime = ExecutorRuntime.ofThisProcess
    val models = ExecutorModels.of(runtime)
    task.addTaskFailureListener((_, error) => if (mayBeTheCopys(error)) models.discardIfDamaged(model))
    val copy = models.acquire(model)
    task.addTaskCompletionListener[Unit](_ => copy.close())
    val local = open(copy.value.bundle, settingsFor(task), () => task.isInterrupted(), runtime)
    task.addTaskCompletionListener[Unit](_ => local.close())
    local
  }

  /** Whether a damaged copy of the model would explain the error: when Spark retries the task, there or elsewhere, it must find
    * an intact copy. Writers and SQL operators wrap the error.
    */
  private def mayBeTheCopys(error: Throwable): Boolean =
    Iterator.iterate(error)(_.getCause).takeWhile(_ != null).exists(_.isInstanceOf[BundleException])

  private def settingsFor(task: TaskContext): ModelSettings = {
    val assigned = task.resources().get("gpu").fold(Seq.empty[String])(_.addresses.toSeq)
    val device = TaskGpu.of(settings.session.provider, deviceId, assigned, task.partitionId(), VisibleGpus.count)
    val threads = if (intraOpThreads > 0) intraOpThreads else task.cpus()
    // A run with a fixed number of threads uses these and no spare cores.
    val cores = if (intraOpThreads > 0) 1 else settings.cores / threads
    settings.copy(session = settings.session.copy(deviceId = device, intraOpThreads = threads), cores = cores)
  }
}

private[ml] object PartitionRunner {
  private val LocalCores = """local\[(\d+|\*)(?:\s*,\s*\d+)?\]""".r

  /** The cores of each executor if Spark's settings contain them, and else 1. */
  def executorCores(conf: SparkConf): Int = conf.get("spark.master", "") match {
    case LocalCores("*") => Runtime.getRuntime.availableProcessors
    case LocalCores(count) => count.toInt
    case _ => conf.getInt("spark.executor.cores", 1)
  }

  /** How long an unused session stays open: long enough for the next micro-batch of a stream to use it. */
  def sessionIdle(context: SparkContext): FiniteDuration =
    context.getConf.getTimeAsMs("spark.sparkvision.sessionIdle", "5min").millis
}
