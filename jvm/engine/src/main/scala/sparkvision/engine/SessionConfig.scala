package sparkvision.engine

/** How a model is run.
  *
  * @param deviceId
  *   the GPU, counted from 0; without meaning on the CPU
  * @param intraOpThreads
  *   threads that one run may use on the CPU. In Spark: the cores of a task, so that no second pool competes with Spark's.
  * @param cudaTf32
  *   whether CUDA may round the inputs of matrix products to TF32 (10 bits of mantissa): faster, no longer fp32
  */
final case class SessionConfig(
    provider: ExecutionProvider = ExecutionProvider.Auto,
    deviceId: Int = 0,
    intraOpThreads: Int = 1,
    cudaTf32: Boolean = false
) {
  if (intraOpThreads < 1) throw new ParameterException(s"intraOpThreads must be at least 1, not $intraOpThreads.")
  if (deviceId < 0) throw new ParameterException(s"deviceId must be at least 0, not $deviceId.")
}
