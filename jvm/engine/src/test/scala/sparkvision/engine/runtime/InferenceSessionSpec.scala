package sparkvision.engine.runtime

import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.{CountDownLatch, TimeUnit}

import scala.util.{Failure, Try}

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{Bundles, ModelBundle}
import sparkvision.engine.session.RecordedRuns
import sparkvision.image.ProviderException

class InferenceSessionSpec extends AnyFunSuite {

  test("a session that is closed while threads run it ends their runs, and refuses the next ones") {
    val bundle = ModelBundle.open(Bundles.digits())
    val session = InferenceSession.open(bundle, SessionConfig(ExecutionProvider.Cpu), new NativeRuns)
    val (running, refused) = (new CountDownLatch(4), new AtomicInteger)
    val threads = Seq.fill(4) {
      new Thread(() => {
        val runs = Iterator.continually {
          val run = Try(session.run(RecordedRuns.batch(0, 8)))
          running.countDown()
          run
        }
        val problem = runs.collectFirst { case Failure(e) => e }
        if (problem.exists(_.isInstanceOf[ProviderException])) { val _ = refused.incrementAndGet() }
      })
    }
    threads.foreach(_.start())
    assert(running.await(60, TimeUnit.SECONDS))
    session.close()
    threads.foreach(_.join(60000))
    assert(refused.get == 4)
  }
}
