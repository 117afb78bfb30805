package sparkvision.engine.runtime

import sparkvision.image.ParameterException
import sparkvision.image.{NamedValue, NamedValues}

/** How a model is run.
  *
  * @param deviceId
  *   the GPU, counted from 0; without meaning on the CPU
  * @param intraOpThreads
  *   threads that one run may use on the CPU. In Spark: the cores of a task, so that no second pool competes with Spark's.
  * @param cudaTf32
  *   whether CUDA may round the inputs of matrix products to TF32 (10 bits of mantissa): faster, no longer fp32
  * @param gpuMemLimit
  *   bytes of the GPU's memory that a session may take; None: all
  * @param oneDnnFpMath
  *   in which arithmetic oneDNN may multiply matrices
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

  /** Largest difference from the golden output that the arithmetic chosen here may cause on `on`, as a share of that output's
    * largest value.
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

  /** CUDA where the runtime has it and it works, else the CPU; says once in the log what it chose. Never oneDNN: it was not
    * found faster (docs/gpu.md).
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
