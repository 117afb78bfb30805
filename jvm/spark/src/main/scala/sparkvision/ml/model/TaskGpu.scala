package sparkvision.ml.model

import sparkvision.engine.runtime.ExecutionProvider
import sparkvision.image.ParameterException

/** Which GPU a task uses. */
private[ml] object TaskGpu {

  /** @param provider
    *   on the CPU there is one device, 0: a session for each GPU's number would be the same one many times
    * @param deviceId
    *   the Param; -1: the GPU that Spark gave the task, else one after the other in the order of partitions
    * @param assigned
    *   the addresses of Spark's task resource "gpu"
    * @param visible
    *   GPUs that this process may use; 0 where they cannot be counted
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
      s"Spark's task resource gpu names the GPU '$gpu', and a number is needed. Let its discovery script give numbers, as " +
        "scripts/gpu-discovery does, or set deviceId."
    )
  }
}
