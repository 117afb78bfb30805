package sparkvision.engine

import java.nio.file.Path

import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{Bundles, ModelBundle}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.runtime.{ExecutionProvider, InferenceSession, NativeRuns, OneDnnFpMath, SessionConfig}
import sparkvision.image.{Fixtures, ImageInput, ProviderException}

/** oneDNN's kernels, run. This project's classpath has the runtime that holds them. */
class OneDnnSpec extends AnyFunSuite {
  private val oneDnn = SessionConfig(ExecutionProvider.OneDnn)
  private val cpu = SessionConfig(ExecutionProvider.Cpu)
  private lazy val digits: ModelBundle = ModelBundle.open(Bundles.digits())
  private val nativeRuns = new NativeRuns

  private def open(bundle: ModelBundle, config: SessionConfig): InferenceSession =
    InferenceSession.open(bundle, config, nativeRuns)

  /** The digits' images, all of them, in batches of a size that leaves a rest. */
  private def logits(config: SessionConfig, batchSize: Int): Seq[Array[Float]] =
    Using.resource(new LocalModel(digits, ModelSettings(batchSize = Some(batchSize), session = config))) { model =>
      model.logits(OneDnnSpec.images.iterator)(ImageInput.Encoded).map(_._2.toOption.get).toSeq
    }

  private def difference(a: Seq[Array[Float]], b: Seq[Array[Float]]): Float = {
    assert(a.map(_.length) == b.map(_.length))
    a.flatten.zip(b.flatten).map { case (x, y) => math.abs(x - y) }.max
  }

  test("a session on oneDNN gives the logits of the CPU provider, for batches of any size") {
    val differences = Seq(1, 8, 7).map(size => difference(logits(oneDnn, size), logits(cpu, size)))
    info(s"largest difference between logits: ${differences.max}")
    assert(differences.max < 1e-4)
  }

  test("tasks that share a session on oneDNN each get their own logits") {
    val expected = logits(cpu, 8)
    val found = Seq.fill(4)(new Logits).map(_.join)
    found.foreach(own => assert(difference(own, expected) < 1e-4))
  }

  final private class Logits {
    @volatile private var found = Seq.empty[Array[Float]]
    private val thread = new Thread(() => found = logits(oneDnn, 8))
    thread.start()

    def join: Seq[Array[Float]] = {
      thread.join()
      found
    }
  }

  test("a graph of opset 17, for which oneDNN's provider computes wrong numbers, is refused, naming what can be done") {
    val opset17 = ModelBundle.open(Fixtures.path("opset17"))
    open(opset17, cpu).close()
    val message = intercept[ProviderException](open(opset17, oneDnn)).getMessage
    info(message)
    assert(message.contains("wrong numbers") && message.contains("--opset 14"))
  }

  test("bf16 beside strict in one process is refused, because oneDNN has one mode for all") {
    open(digits, oneDnn).close()
    val bf16 = oneDnn.copy(oneDnnFpMath = OneDnnFpMath.Bf16)
    val message = intercept[ProviderException](open(digits, bf16)).getMessage
    assert(message.contains("onednnFpMath=bf16") && message.contains("onednnFpMath=strict"))
  }

  test("auto stays with the CPU's own kernels, which oneDNN was not found to beat") {
    Using.resource(open(digits, SessionConfig()))(s => assert(s.provider == ExecutionProvider.Cpu))
  }

  test("a GPU asked for on this runtime is refused, naming the one that has CUDA") {
    val message =
      intercept[ProviderException](open(digits, SessionConfig(ExecutionProvider.Cuda))).getMessage
    assert(message.contains("sparkvision-gpu_2.13"))
  }
}

private object OneDnnSpec {

  /** Some of the held-out digits. */
  lazy val images: Seq[Array[Byte]] = {
    val folder: Path = Fixtures.path("digits")
    folder.toFile.listFiles.filter(_.isDirectory).sorted.toSeq.flatMap { label =>
      label.listFiles.sorted.take(2).map(file => java.nio.file.Files.readAllBytes(file.toPath))
    }
  }
}
