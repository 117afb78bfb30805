package sparkvision.ml.model

import sparkvision.engine.runtime.ExecutionProvider
import sparkvision.image.ParameterException

/** Chooses the GPU of a task. */
private[ml] object TaskGpu {

  /** @param provider
    *   a CPU provider has one device, 0: otherwise the same session would be opened once for each device number
    * @param deviceId
    *   the value of the Param; -1 for the GPU that Spark assigned to the task, or else each GPU in turn, in the order of
    *   partitions
    * @param assigned
    *   the addresses of Spark's task resource "gpu"
    * @param visible
    *   GPUs that this process may use; 0 if their number is unknown
    */
  def of(
      provider: ExecutionProvider,
      deviceId: Int,
      assigned: Seq[String],
      partition: Int,
      visible: => Int
  ): Int = provider match {
    case ExecutionProvider.Cpu | ExecutionProvider.OneDnn => 0
    case _ if deviceId >= 0 => deviceId
    case _ => assigned.headOption.fold(inTurn(partition, visible))(numberOf)
  }

  private def inTurn(partition: Int, visible: Int): Int = if (visible > 0) partition % visible else 0

  private def numberOf(gpu: String): Int = gpu.toIntOption.filter(_ >= 0).getOrElse {
    throw new ParameterException(
      s"Spark's task resource gpu has the address '$gpu', but a number is needed. Use a discovery script that returns " +
        "numbers, such as scripts/gpu-discovery, or set deviceId."
    )
  }
}
