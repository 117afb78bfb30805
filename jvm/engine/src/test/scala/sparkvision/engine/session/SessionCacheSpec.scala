package sparkvision.engine.session

import java.nio.file.Files
import java.util.concurrent.Executors

import scala.concurrent.duration._
import scala.concurrent.{Await, ExecutionContext, Future}
import scala.util.Using

import org.scalatest.concurrent.Eventually._
import org.scalatest.funsuite.AnyFunSuite
import org.scalatest.time.{Seconds, Span}

import sparkvision.engine.bundle.{BundleException, Bundles, ModelBundle}
import sparkvision.engine.runtime.{ExecutionProvider, InferenceSession, NativeRuns, SessionConfig}
import sparkvision.image.ProviderException

class SessionCacheSpec extends AnyFunSuite {
  private lazy val bundle = ModelBundle.open(Bundles.digits())
  private val cpu = SessionConfig(ExecutionProvider.Cpu)
  private val nativeRuns = new NativeRuns

  private def newCache = new SessionCache(nativeRuns, new KeyedCache.Expiry.Timer)

  test("tasks that ask at the same time share one session") {
    val cache = newCache
    val pool = Executors.newFixedThreadPool(8)
    implicit val executor: ExecutionContext = ExecutionContext.fromExecutor(pool)
    val leases = Await.result(Future.sequence(Seq.fill(16)(Future(cache.acquire(bundle, cpu, 1.hour)))), 1.minute)
    assert(cache.openedCount == 1)
    assert(leases.map(_.value).distinct.size == 1)
    leases.foreach(_.close())
    cache.closeIdle()
    pool.shutdown()
  }

  test("the same model in another folder shares the session") {
    val cache = newCache
    val leases = Seq(bundle, ModelBundle.open(Bundles.digits())).map(cache.acquire(_, cpu, 1.hour))
    assert(cache.openedCount == 1)
    leases.foreach(_.close())
    cache.closeIdle()
  }

  test("other options open another session") {
    val cache = newCache
    Seq(cpu, cpu.copy(intraOpThreads = 2)).foreach(config => cache.acquire(bundle, config, 1.hour).close())
    assert(cache.openedCount == 2)
    cache.closeIdle()
    assert(cache.openCount == 0)
  }

  test("no session is opened from a model that was damaged after it was checked") {
    val damaged = ModelBundle.open(Bundles.digits())
    Bundles.flipByte(damaged.graph)
    val message = intercept[BundleException](newCache.acquire(damaged, cpu, 1.hour)).getMessage
    assert(message.contains("model.onnx is damaged"))
  }

  test("a session that nobody has used for a while is closed") {
    val cache = newCache
    cache.acquire(bundle, cpu, 50.millis).close()
    assert(cache.openCount == 1)
    eventually(timeout(Span(5, Seconds)))(assert(cache.openCount == 0))
  }

  test("bundles that read another output of the same graph do not share a session") {
    val cache = newCache
    val bundles = Seq("logits", "again").map(output => ModelBundle.open(Bundles.withSecondOutput(output)))
    assert(bundles.map(_.manifest.modelHash).distinct.size == 1)
    val leases = bundles.map(cache.acquire(_, cpu, 1.hour))
    assert(cache.openedCount == 2)
    leases.foreach(_.close())
    cache.closeIdle()
  }

  test("a provider that computes wrong numbers is refused") {
    val output = Files.readAllBytes(Bundles.digits().resolve("golden/output.f32"))
    output(3) = (output(3) ^ 0x40).toByte // an exponent bit of the first float
    val wrong = ModelBundle.open(Bundles.replaceFile("golden/output.f32", output))
    val message = intercept[ProviderException](newCache.acquire(wrong, cpu, 1.hour)).getMessage
    assert(message.contains("wrong numbers") && message.contains("tolerance"))
  }

  test("a session that cannot be opened is tried again the next time") {
    val cache = newCache
    val garbage = ModelBundle.open(Bundles.digits())
    Files.writeString(garbage.graph, "no longer a graph")
    assert(intercept[BundleException](cache.acquire(garbage, cpu, 1.hour)).getMessage.contains("is damaged"))
    cache.acquire(bundle, cpu, 1.hour).close()
    assert(cache.openedCount == 1)
    cache.closeIdle()
  }

  test("CUDA asked for on a runtime without it is refused, naming the remedy") {
    val message =
      intercept[ProviderException](
        InferenceSession.open(bundle, SessionConfig(ExecutionProvider.Cuda), nativeRuns)
      ).getMessage
    assert(message.contains("sparkvision-gpu_2.13"))
  }

  test("auto chooses the CPU on a runtime without CUDA") {
    Using.resource(InferenceSession.open(bundle, SessionConfig(), nativeRuns))(s =>
      assert(s.provider == ExecutionProvider.Cpu)
    )
  }
}
