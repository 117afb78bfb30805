package sparkvision.engine.session

import java.util.concurrent.atomic.AtomicLong
import java.util.concurrent.{CancellationException, CountDownLatch, TimeUnit}

import scala.concurrent.duration._
import scala.util.{Failure, Random, Success, Try, Using}

import org.scalatest.concurrent.Eventually._
import org.scalatest.funsuite.AnyFunSuite
import org.scalatest.time.{Seconds, Span}

import sparkvision.engine.bundle.TensorInfo
import sparkvision.engine.runtime.Cancellation
import sparkvision.image.ProviderException

class DynamicBatchesSpec extends AnyFunSuite {
  import RecordedRuns.{batch, images}

  private val oneMinute = Span(60, Seconds)

  /** A caller on a thread of its own. */
  final private class Caller(batches: DynamicBatches, output: TensorInfo, first: Int, count: Int, batchSize: Int) {
    @volatile private var result = Option.empty[Try[Seq[Seq[Float]]]]
    @volatile private var cancelled = false
    val thread = new Thread(() => result = Some(answered()))
    thread.start()

    private def answered(): Try[Seq[Seq[Float]]] =
      try Success(batches.run(batch(first, count), Seq(output), batchSize, () => cancelled).map(_.head.toSeq))
      catch { case e: Throwable => Failure(e) } // Try lets an InterruptedException through

    def cancel(): Unit = cancelled = true

    def answer: Try[Seq[Seq[Float]]] = {
      thread.join(60000)
      result.getOrElse(fail(s"the caller of $count images from $first waits still"))
    }
  }

  private def alone(session: RecordedRuns, first: Int, count: Int): Seq[Seq[Float]] =
    session.run(batch(first, count)).map(_.head.toSeq)

  private def difference(a: Seq[Seq[Float]], b: Seq[Seq[Float]]): Double = {
    assert(a.map(_.size) == b.map(_.size))
    a.flatten.zip(b.flatten).map { case (x, y) => math.abs(x - y).toDouble }.max
  }

  /** Holds the first batch until `open`, so that a test decides what waits behind it. */
  final private class Gate {
    private val opened = new CountDownLatch(1)
    private val reached = new CountDownLatch(1)

    def open(): Unit = opened.countDown()
    def awaitFirst(): Unit = assert(reached.await(60, TimeUnit.SECONDS))
    def pass(): Unit = {
      reached.countDown()
      assert(opened.await(60, TimeUnit.SECONDS))
    }
  }

  private def withBatches[A](patience: FiniteDuration, session: RecordedRuns = new RecordedRuns)(
      test: (DynamicBatches, RecordedRuns) => A
  ): A = Using.resource(session) { runner =>
    Using.resource(new DynamicBatches(runner, patience))(test(_, runner))
  }

  test("small batches of several callers fill one, and each caller gets its own images' values") {
    withBatches(1.hour) { (batches, session) =>
      val callers = (0 until 4).map(i => new Caller(batches, session.output, first = i * 2, count = 2, batchSize = 8))
      val answers = callers.map(_.answer.get)
      assert(session.batches == Seq(8))
      val differences = answers.zipWithIndex.map { case (answer, i) => difference(answer, alone(session, i * 2, 2)) }
      info(s"largest difference between logits: ${differences.max}")
      assert(differences.max < 1e-4)
    }
  }

  test("a full batch waits for nobody") {
    withBatches(1.hour) { (batches, session) =>
      new Caller(batches, session.output, first = 0, count = 8, batchSize = 8).answer.get
      assert(session.batches == Seq(8))
    }
  }

  test("a full batch passes a small one that waits for more") {
    withBatches(1.hour) { (batches, session) =>
      val small = new Caller(batches, session.output, first = 0, count = 1, batchSize = 8)
      new Caller(batches, session.output, first = 1, count = 8, batchSize = 8).answer.get
      assert(small.thread.isAlive)
      new Caller(batches, session.output, first = 9, count = 7, batchSize = 8).answer.get
      small.answer.get
      assert(session.batches == Seq(8, 8))
    }
  }

  test("a small batch runs alone when nothing else comes in time") {
    withBatches(20.millis) { (batches, session) =>
      new Caller(batches, session.output, first = 0, count = 3, batchSize = 8).answer.get
      assert(session.batches == Seq(3))
    }
  }

  test("images that become due just before the runner goes to sleep are run") {
    val nanos = new AtomicLong
    // A clock so slow to read that each reading finds the patience half spent.
    val clock = () => nanos.addAndGet(10.millis.toNanos)
    Using.resource(new RecordedRuns) { session =>
      Using.resource(new DynamicBatches(session, 20.millis, clock)) { batches =>
        assert(new Caller(batches, session.output, first = 0, count = 3, batchSize = 8).answer.isSuccess)
      }
    }
  }

  test("no batch is larger than its oldest caller's batchSize") {
    val gate = new Gate
    withBatches(1.milli, new RecordedRuns((_, _) => { gate.pass(); None })) { (batches, session) =>
      val first = new Caller(batches, session.output, first = 0, count = 5, batchSize = 8)
      gate.awaitFirst()
      val others = (1 to 3).map { i =>
        val caller = new Caller(batches, session.output, first = i, count = 5, batchSize = 8)
        eventually(timeout(oneMinute))(assert(caller.thread.getState == Thread.State.WAITING))
        caller
      }
      gate.open()
      (first +: others).foreach(_.answer.get)
      assert(session.batches == Seq(5, 5, 5, 5))
    }
  }

  test("callers that read different outputs of the graph share no batch") {
    withBatches(20.millis) { (batches, session) =>
      val unknown = session.output.copy(name = "another")
      val callers = Seq(session.output, unknown).map(new Caller(batches, _, first = 0, count = 1, batchSize = 8))
      assert(callers.map(_.answer.isSuccess) == Seq(true, false))
      assert(session.batches == Seq(1, 1))
    }
  }

  test("images that fail a shared batch fail their own caller alone") {
    val bad = images(100, 1).get(0)
    val failing = new RecordedRuns((values, count) =>
      Option.when((0 until count).exists(i => values.get(i * 3 * 32 * 32) == bad))("The model cannot run image 100.")
    )
    withBatches(1.hour, failing) { (batches, session) =>
      val callers = Seq(0, 100, 200).map(new Caller(batches, session.output, _, count = 1, batchSize = 3))
      assert(callers.map(_.answer.isSuccess) == Seq(true, false, true))
      assert(callers(1).answer.failed.get.getMessage == "The model cannot run image 100.")
      assert(difference(callers(2).answer.get, alone(session, 200, 1)) < 1e-4)
    }
  }

  test("a caller that is interrupted takes its images with it, and no other notices") {
    withBatches(1.hour) { (batches, session) =>
      val cancelled = new Caller(batches, session.output, first = 0, count = 1, batchSize = 4)
      eventually(timeout(oneMinute))(assert(cancelled.thread.getState == Thread.State.WAITING))
      cancelled.thread.interrupt()
      assert(cancelled.answer.failed.get.isInstanceOf[InterruptedException])
      val others = Seq(1, 3).map(new Caller(batches, session.output, _, count = 2, batchSize = 4))
      assert(difference(others.flatMap(_.answer.get), alone(session, 1, 4)) < 1e-4)
      assert(session.batches.head == 4)
    }
  }

  test("many callers with batches of any size each get their own values") {
    withBatches(2.millis) { (batches, session) =>
      val random = new Random(7)
      val asked = Seq.fill(60)((random.nextInt(1000), 1 + random.nextInt(8)))
      val answers = asked.map { case (first, count) =>
        (first, count, new Caller(batches, session.output, first, count, batchSize = 8))
      }
      val differences = answers.map { case (first, count, caller) =>
        difference(caller.answer.get, alone(session, first, count))
      }
      info(s"largest difference between logits: ${differences.max}")
      assert(differences.max < 1e-4)
    }
  }

  test("closing runs what was handed in, and refuses what comes after") {
    Using.resource(new RecordedRuns) { session =>
      val batches = new DynamicBatches(session, 1.hour)
      val waiting = new Caller(batches, session.output, first = 0, count = 2, batchSize = 8)
      eventually(timeout(oneMinute))(assert(waiting.thread.getState == Thread.State.WAITING))
      batches.close()
      assert(waiting.answer.isSuccess)
      intercept[ProviderException](batches.run(batch(0, 1), Seq(session.output), 8, Cancellation.Never))
    }
  }

  test("of callers that share a batch, one that cancels takes nothing from the others") {
    val gate = new Gate
    val held = new RecordedRuns((_, count) => { if (count == 8) gate.pass(); None })
    withBatches(1.hour, held) { (batches, session) =>
      new Caller(batches, session.output, first = 0, count = 8, batchSize = 8)
      gate.awaitFirst()
      val callers = Seq(2, 3, 5).map(count => new Caller(batches, session.output, first = count, count, batchSize = 10))
      callers.foreach(caller => eventually(timeout(oneMinute))(assert(caller.thread.getState == Thread.State.WAITING)))
      callers(1).cancel()
      gate.open()
      assert(callers(1).answer.failed.get.isInstanceOf[CancellationException])
      Seq(0 -> 2, 2 -> 5).foreach { case (index, count) =>
        assert(difference(callers(index).answer.get, alone(session, first = count, count)) < 1e-4)
      }
      // What was cancelled before its turn is not computed with the others.
      assert(session.batches.take(3).toSet == Set(8, 3, 7))
    }
  }
}
