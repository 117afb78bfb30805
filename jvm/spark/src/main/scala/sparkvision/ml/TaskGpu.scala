package sparkvision.ml

import sparkvision.engine.ParameterException

/** Which GPU a task uses. */
private[ml] object TaskGpu {

  /** @param deviceId
    *   the Param; -1: the GPU that Spark gave the task, else one after the other in the order of partitions
    * @param assigned
    *   the addresses of Spark's task resource "gpu"
    * @param visible
    *   GPUs that this process may use; 0 where they cannot be counted
    */
  def of(deviceId: Int, assigned: Seq[String], partition: Int, visible: Int): Int =
    if (deviceId >= 0) deviceId
    else assigned.headOption.fold(if (visible > 0) partition % visible else 0)(numberOf)

  private def numberOf(gpu: String): Int = gpu.toIntOption.filter(_ >= 0).getOrElse {
    throw new ParameterException(
      s"Spark's task resource gpu names the GPU '$gpu', and a number is needed. Let its discovery script give numbers, as " +
        "scripts/gpu-discovery does, or set deviceId."
    )
  }
}
