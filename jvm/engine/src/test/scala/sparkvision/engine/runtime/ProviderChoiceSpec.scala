package sparkvision.engine.runtime

import java.nio.file.Path

import ai.onnxruntime.OrtException
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.BundleException
import sparkvision.image.ProviderException

class ProviderChoiceSpec extends AnyFunSuite {
  private val graph = Path.of("my-vit/model.onnx")

  /** What opening gives on a machine whose GPU fails while the session is made. */
  private def open(provider: ExecutionProvider): String =
    if (provider == ExecutionProvider.Cuda)
      throw InferenceSession.notLoaded(graph, provider, new OrtException("CUDA failure 2: out of memory."))
    else s"a session on $provider"

  test("auto falls back to the CPU when CUDA fails while the session is made") {
    assert(InferenceSession.best(hasCuda = true)(open) == "a session on cpu")
  }

  test("CUDA asked for blames CUDA and not the bundle when it fails while the session is made") {
    val message = intercept[ProviderException](open(ExecutionProvider.Cuda)).getMessage
    assert(message.contains("executionProvider=cuda") && message.contains("CUDA failure 2: out of memory"))
    assert(!message.contains("my-vit"))
  }

  test("a graph that the CPU cannot load is the bundle's fault") {
    val refusal = InferenceSession.notLoaded(graph, ExecutionProvider.Cpu, new OrtException("No such opset."))
    assert(refusal.isInstanceOf[BundleException] && refusal.getMessage.contains("model.onnx"))
  }

  test("auto does not hide a damaged bundle behind the CPU") {
    intercept[BundleException](InferenceSession.best(hasCuda = true)(_ => throw new BundleException("damaged")))
  }
}
