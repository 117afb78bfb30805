package sparkvision.engine.runtime

import sparkvision.image.{NamedValue, NamedValues, ParameterException}

/** How a model is run.
  *
  * @param deviceId
  *   the GPU, counted from 0; ignored on the CPU
  * @param intraOpThreads
  *   threads that one run may use on the CPU. In Spark these are the cores of a task, so that a second thread pool does not
  *   compete with Spark's.
  * @param cudaTf32
  *   whether CUDA may round the inputs of matrix products to TF32 (10 bits of mantissa): faster, but not float32
  * @param gpuMemLimit
  *   bytes of GPU memory that a session may use; None for all
  * @param oneDnnFpMath
  *   the arithmetic with which oneDNN may multiply matrices
  */
final case class SessionConfig(
    provider: ExecutionProvider = ExecutionProvider.Auto,
    deviceId: Int = 0,
    intraOpThreads: Int = 1,
    cudaTf32: Boolean = false,
    gpuMemLimit: Option[Long] = None,
    oneDnnFpMath: OneDnnFpMath = OneDnnFpMath.Strict
) {
  if (intraOpThreads < 1) throw new ParameterException(s"intraOpThreads must be at least 1, not $intraOpThreads.")
  gpuMemLimit.filter(_ < 1).foreach { bytes =>
    throw new ParameterException(s"gpuMemLimit must be at least 1 byte, not $bytes.")
  }
  if (deviceId < 0) throw new ParameterException(s"deviceId must be at least 0, not $deviceId.")

  /** Largest difference from the golden output that the arithmetic of this configuration may cause on the provider `on`,
    * relative to the largest value of that output.
    */
  private[engine] def relativeTolerance(on: ExecutionProvider): Double = on match {
    case ExecutionProvider.OneDnn => oneDnnFpMath.relativeTolerance
    case ExecutionProvider.Cuda if cudaTf32 => Cuda.Tf32Tolerance
    case _ => 0
  }
}

/** Where ONNX Runtime computes. */
sealed abstract class ExecutionProvider(val name: String) extends NamedValue

object ExecutionProvider extends NamedValues[ExecutionProvider]("executionProvider") {

  /** CUDA if the runtime has it and it works, else the CPU. The choice is logged once for each session. oneDNN is never
    * chosen, because measurements did not find it faster (docs/gpu.md).
    */
  case object Auto extends ExecutionProvider("auto")

  /** ONNX Runtime's own CPU kernels. */
  case object Cpu extends ExecutionProvider("cpu")

  /** Intel's oneDNN kernels on the CPU. */
  case object OneDnn extends ExecutionProvider("onednn")

  /** An NVIDIA GPU. */
  case object Cuda extends ExecutionProvider("cuda")

  override val all: Seq[ExecutionProvider] = Seq(Auto, Cpu, OneDnn, Cuda)
}
