package sparkvision.engine.session

import java.util.concurrent.{CountDownLatch, TimeUnit}

import scala.concurrent.ExecutionContext.Implicits.global
import scala.concurrent.duration._
import scala.concurrent.{Await, Future, blocking}
import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{Bundles, ModelBundle}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.runtime.{ExecutionProvider, SessionConfig}
import sparkvision.image.{Fixtures, ParameterException}

class TaskSessionSpec extends AnyFunSuite {
  private val bundle = ModelBundle.open(Bundles.digits())
  private val digit = Fixtures.digits(1).head
  private val settings = ModelSettings(session = SessionConfig(ExecutionProvider.Cpu), sessionIdle = Duration.Zero)

  /** A model in a runtime of its own. Its session is closed with the last lease. */
  private def withModel(listener: ModelListener)(test: (ExecutorRuntime, LocalModel) => Unit): Unit =
    Using.resource(new ExecutorRuntime) { runtime =>
      test(runtime, new LocalModel(bundle, settings, listener, runtime = runtime))
    }

  /** Waits inside the first call, which is made right after the session was taken. */
  final private class Waiting extends ModelListener {
    val (entered, released) = (new CountDownLatch(1), new CountDownLatch(1))

    override def sessionTaken(provider: ExecutionProvider, opened: Boolean): Unit = {
      entered.countDown()
      assert(released.await(60, TimeUnit.SECONDS))
    }
  }

  test("a model can be closed while another thread takes its session, which is then given back") {
    val listener = new Waiting
    withModel(listener) { (runtime, model) =>
      val run = Future(blocking(model.logits(Array(digit))))
      assert(listener.entered.await(60, TimeUnit.SECONDS))
      Await.result(Future(blocking(model.close())), 60.seconds)
      listener.released.countDown()
      Await.ready(run, 60.seconds)
      assert(runtime.sessions.openCount == 0)
      intercept[ParameterException](model.logits(Array(digit)))
    }
  }

  test("a session that was opened for a model that is closed meanwhile is given back") {
    withModel(ModelListener.Silent) { (runtime, _) =>
      (0 until 20).foreach { turn =>
        val model = new LocalModel(bundle, settings, runtime = runtime)
        val run = Future(blocking(model.logits(Array(digit))))
        Thread.sleep(turn.toLong)
        model.close()
        Await.ready(run, 60.seconds)
        assert(runtime.sessions.openCount == 0)
      }
    }
  }

  test("threads that share a model share one lease, and closing the model gives the session back") {
    withModel(ModelListener.Silent) { (runtime, model) =>
      val runs = Future.sequence(Seq.fill(8)(Future(blocking(model.logits(Array(digit)).head.toSeq))))
      assert(Await.result(runs, 60.seconds).distinct.size == 1)
      assert(runtime.sessions.openCount == 1)
      model.close()
      assert(runtime.sessions.openCount == 0)
    }
  }
}
