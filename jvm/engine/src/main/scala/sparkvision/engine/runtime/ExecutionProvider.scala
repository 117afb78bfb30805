package sparkvision.engine.runtime

import sparkvision.image.{NamedValue, NamedValues}

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
