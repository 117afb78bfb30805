package sparkvision.engine.runtime

import sparkvision.image.NamedValues

/** Where ONNX Runtime computes. */
sealed abstract class ExecutionProvider(val name: String) extends Serializable {
  override def toString: String = name
}

object ExecutionProvider {

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

  val all: Seq[ExecutionProvider] = Seq(Auto, Cpu, OneDnn, Cuda)

  /** @throws ParameterException
    *   when there is no such provider
    */
  def parse(name: String): ExecutionProvider = NamedValues.parse("executionProvider", all, name)
}
