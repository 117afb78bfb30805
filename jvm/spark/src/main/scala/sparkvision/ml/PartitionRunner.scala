package sparkvision.ml

import org.apache.spark.TaskContext
import org.apache.spark.util.LongAccumulator

import sparkvision.engine.{BundleException, LocalModel, ModelSettings, Picture, Prediction}

/** Runs a partition's pictures through a model: an iterator of pictures in, an iterator of results out, in order. Knows
  * tasks, but no rows.
  *
  * @param deviceId
  *   the GPU; -1: the task's own
  * @param intraOpThreads
  *   0: as many as the task has cores
  */
final private[ml] class PartitionRunner(
    model: DistributedModel,
    settings: ModelSettings,
    deviceId: Int,
    intraOpThreads: Int,
    sessionsOpened: LongAccumulator
) extends Serializable {

  /** Each item with its picture's prediction, or with the reason why there is none. An empty partition loads no model. */
  def run[A](items: Iterator[A])(picture: A => Picture): Iterator[(A, Either[String, Prediction])] =
    if (items.isEmpty) Iterator.empty
    else {
      val task = TaskContext.get()
      task.addTaskFailureListener((_, error) => if (blamesTheCopy(error)) ExecutorModels.shared.discard(model))
      val local = new LocalModel(ExecutorModels.shared.open(model), settingsFor(task), () => sessionsOpened.add(1))
      task.addTaskCompletionListener[Unit](_ => local.close())
      local.predictions(items)(picture)
    }

  /** Whether a session could not be opened from this executor's copy of the model. When Spark tries the task again, there or
    * elsewhere, it finds a new copy. Writers and SQL operators wrap the error.
    */
  private def blamesTheCopy(error: Throwable): Boolean =
    Iterator.iterate(error)(_.getCause).takeWhile(_ != null).exists(_.isInstanceOf[BundleException])

  private def settingsFor(task: TaskContext): ModelSettings = {
    val device =
      if (deviceId >= 0) deviceId
      else task.resources().get("gpu").flatMap(_.addresses.headOption).fold(0)(_.toInt)
    val threads = if (intraOpThreads > 0) intraOpThreads else task.cpus()
    settings.copy(session = settings.session.copy(deviceId = device, intraOpThreads = threads))
  }
}
