package sparkvision.engine.runtime

import ai.onnxruntime.OrtException
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.ParameterException

class CudaSpec extends AnyFunSuite {
  private val cuda = SessionConfig(ExecutionProvider.Cuda)

  test("CUDA computes in float32 unless TF32 is asked for") {
    assert(Cuda.settings(cuda) == Map("use_tf32" -> "0"))
    assert(Cuda.settings(cuda.copy(cudaTf32 = true))("use_tf32") == "1")
  }

  test("a limit of memory is passed on, and the arena then takes what it needs and no more") {
    val settings = Cuda.settings(cuda.copy(gpuMemLimit = Some(4L << 30)))
    assert(settings("gpu_mem_limit") == "4294967296" && settings("arena_extend_strategy") == "kSameAsRequested")
  }

  test("a limit of no memory is refused") {
    assert(intercept[ParameterException](cuda.copy(gpuMemLimit = Some(0))).getMessage.contains("not 0"))
  }

  test("a missing library is named, and what to install") {
    val missing = new OrtException("libcublasLt.so.12: cannot open shared object file: No such file or directory")
    val message = Cuda.unusable(missing).getMessage
    assert(message.contains("libcublasLt.so.12") && message.contains("CUDA 12 and cuDNN 9"))
  }

  test("only TF32 widens the tolerance of the golden pair") {
    assert(cuda.relativeTolerance(ExecutionProvider.Cuda) == 0)
    assert(cuda.copy(cudaTf32 = true).relativeTolerance(ExecutionProvider.Cuda) > 0)
    assert(cuda.copy(cudaTf32 = true).relativeTolerance(ExecutionProvider.Cpu) == 0)
  }
}
