package sparkvision.engine.runtime

import java.nio.file.{Files, Path}
import java.util.concurrent.{CancellationException, CountDownLatch, TimeUnit}

import scala.concurrent.duration._
import scala.util.{Failure, Success, Try, Using}

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{Bundles, ModelBundle}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.session.{ExecutorRuntime, RecordedRuns}
import sparkvision.image.{Fixtures, ImageInput, ProviderException}

class NativeRunsSpec extends AnyFunSuite {

  /** What a thread that stays inside until a test opens the latch has as its result. */
  final private class Inside(runs: NativeRuns, cancellation: Cancellation = Cancellation.Never) {
    private val (entered, leave) = (new CountDownLatch(1), new CountDownLatch(1))
    @volatile private var result = Option.empty[Try[String]]
    private val thread = new Thread(() =>
      result = Some(Try(runs.run(cancellation) { _ =>
        entered.countDown()
        leave.await()
        "done"
      }))
    )
    thread.start()
    assert(entered.await(60, TimeUnit.SECONDS))

    def end(): Try[String] = {
      leave.countDown()
      thread.join(60000)
      result.get
    }
  }

  test("a closed gate lets nobody in, and waits for who is inside") {
    val runs = new NativeRuns
    val inside = new Inside(runs)
    assert(!runs.close(50.millis))
    intercept[CancellationException](runs.run(Cancellation.Never)(_ => fail("entered")))
    intercept[CancellationException](runs.call(fail("entered")))
    runs.giveBack(fail("entered"))
    assert(inside.end() == Success("done")) // its result was whole before it noticed
    assert(runs.close(1.minute))
  }

  test("a run that is cancelled before it begins is not begun") {
    intercept[CancellationException](new NativeRuns().run(() => true)(_ => fail("begun")))
  }

  test("a failure of a run that was not ended stays what it is") {
    val failure = new IllegalStateException("no memory")
    assert(intercept[IllegalStateException](new NativeRuns().run(() => false)(_ => throw failure)) == failure)
  }

  test("a run that is cancelled while it goes on ends before it is done") {
    val count = 8000 // half a second's work and more
    Using.resource(new RecordedRuns) { session =>
      val ended = intercept[CancellationException] {
        session.run(
          RecordedRuns.batch(0, count),
          Seq(session.output),
          // The run's own thread asks before it begins, and is to begin.
          () => Thread.currentThread.getName == "sparkvision-cancellation"
        )
      }
      assert(ended.getCause.isInstanceOf[ProviderException]) // a run that was not begun has no cause
    }
  }

  test("a model that is cancelled in the midst of its runs stops, and gives no other image a wrong result") {
    val bundle = ModelBundle.open(Bundles.digits())
    val image = Files.readAllBytes(Fixtures.path("photos/cat_chelsea.png"))
    val expected = logitsOf(new LocalModel(bundle), image).next().get
    @volatile var cancelled = false
    val stopped = logitsOf(new LocalModel(bundle, cancellation = () => cancelled), image)
    val other = logitsOf(new LocalModel(bundle), image) // on the same session
    assert(stopped.next().get == expected)
    cancelled = true
    assert(stopped.collectFirst { case Failure(e) => e }.exists(_.isInstanceOf[CancellationException]))
    assert(other.take(40).forall(_.get == expected))
  }

  /** The logits of one image, again and again. */
  private def logitsOf(model: LocalModel, image: Array[Byte]): Iterator[Try[Seq[Float]]] =
    Iterator.continually(Try(model.logits(Iterator(image))(ImageInput.Encoded(_)).next()._2.toOption.get.toSeq))

  for (ends <- Seq("exits", "is terminated"))
    test(s"a JVM that $ends while threads run models and open sessions ends in order") {
      val folder = Files.createTempDirectory("ending")
      (1 to 2).foreach { attempt =>
        val process = ending(folder, ends)
        assert(process.waitFor(60, TimeUnit.SECONDS), s"attempt $attempt goes on")
        val output = Files.readString(folder.resolve("output"))
        assert(process.exitValue == (if (ends == "exits") 7 else 143), output)
        // Before the JVM is gone: then nobody is left inside when the C library destroys what the natives hold.
        assert(output.linesIterator.count(_ == "ended") == 4, output)
        assert(Files.list(folder).count() == 1, output) // no hs_err_pid file
      }
    }

  private def ending(folder: Path, ends: String): Process = {
    val java = Path.of(sys.props("java.home"), "bin", "java").toString
    val arguments = Seq("-cp", sys.props("java.class.path"), classOf[EndWhileRunning].getName, ends)
    val output = folder.resolve("output").toFile
    new ProcessBuilder(java +: arguments: _*)
      .directory(folder.toFile)
      .redirectErrorStream(true)
      .redirectOutput(output)
      .start()
  }
}

/** What the last tests start. */
final class EndWhileRunning

object EndWhileRunning {

  def main(arguments: Array[String]): Unit = {
    val bundle = ModelBundle.open(Bundles.digits())
    val image = Files.readAllBytes(Fixtures.path("photos/cat_chelsea.png"))
    val running = new CountDownLatch(4)
    val nativeRuns = ExecutorRuntime.ofThisProcess.nativeRuns
    (1 to 3).foreach { _ =>
      daemon {
        val model = new LocalModel(bundle, ModelSettings(batchSize = Some(2)))
        model.logits(Iterator.continually(image))(ImageInput.Encoded(_)).foreach(_ => running.countDown())
      }
    }
    daemon {
      while (true) {
        InferenceSession.open(bundle, SessionConfig(ExecutionProvider.Cpu), nativeRuns).close()
        running.countDown()
      }
    }
    sys.addShutdownHook(Thread.sleep(3000)) // as other hooks take their time
    running.await()
    if (arguments.head == "exits") sys.exit(7)
    new ProcessBuilder("kill", ProcessHandle.current.pid.toString).start()
    Thread.sleep(60000) // so that it is the signal that ends it
  }

  private def daemon(work: => Unit): Unit = {
    val thread = new Thread(() =>
      try work
      catch { case _: CancellationException => println("ended") }
    )
    thread.setDaemon(true)
    thread.start()
  }
}
