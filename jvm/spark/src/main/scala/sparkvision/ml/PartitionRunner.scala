package sparkvision.ml

import org.apache.spark.TaskContext
import org.apache.spark.util.LongAccumulator

import sparkvision.engine.{LocalModel, ModelSettings, Picture}

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

  /** Each item with its picture's result, or with the reason why there is none. An empty partition loads no model. */
  def run[A, R](items: Iterator[A], output: ModelOutput[R])(picture: A => Picture): Iterator[(A, Either[String, R])] =
    if (items.isEmpty) Iterator.empty
    else {
      val task = TaskContext.get()
      val local = new LocalModel(ExecutorModels.open(model), settingsFor(task), () => sessionsOpened.add(1))
      task.addTaskCompletionListener[Unit](_ => local.close())
      output.results(local, items)(picture)
    }

  private def settingsFor(task: TaskContext): ModelSettings = {
    val device =
      if (deviceId >= 0) deviceId
      else task.resources().get("gpu").flatMap(_.addresses.headOption).fold(0)(_.toInt)
    val threads = if (intraOpThreads > 0) intraOpThreads else task.cpus()
    settings.copy(session = settings.session.copy(deviceId = device, intraOpThreads = threads))
  }
}
