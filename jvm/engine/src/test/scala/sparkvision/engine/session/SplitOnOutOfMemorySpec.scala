package sparkvision.engine.session

import java.util.concurrent.atomic.AtomicInteger

import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.runtime.{Batch, BatchRunner, Cancellation}
import sparkvision.image.preprocess.{DetectionInput, PaddedBatch}
import sparkvision.image.{PixelSize, ProviderException}

class SplitOnOutOfMemorySpec extends AnyFunSuite {
  // What ONNX Runtime 1.28 says when its arena has reached gpu_mem_limit.
  private val outOfMemory =
    "Non-zero status code returned while running MatMul node. Available memory of 1024 is smaller than requested bytes of 4096"

  private def failingAbove(most: Int): RecordedRuns =
    new RecordedRuns((_, count) => Option.when(count > most)(outOfMemory))

  private def run(runner: BatchRunner, session: RecordedRuns, count: Int): Seq[Seq[Float]] =
    runner
      .run(RecordedRuns.batch(0, count), Seq(session.output), Cancellation.Never)
      .map(_.head.toSeq)

  test("a batch for which there is no memory is halved until it fits, and its results keep their order") {
    Using.resource(failingAbove(3)) { session =>
      val alone = (0 until 13).map { i =>
        session.run(RecordedRuns.batch(i, 1)).head.head
      }
      val halved = run(new SplitOnOutOfMemory(session), session, 13)
      val difference = halved.flatten.zip(alone.flatten).map { case (a, b) => math.abs(a - b) }.max
      info(s"largest difference between logits: $difference")
      assert(halved.size == 13 && difference < 1e-4)
    }
  }

  test("what was too much is not tried again") {
    Using.resource(failingAbove(4)) { session =>
      val halved = new SplitOnOutOfMemory(session)
      run(halved, session, 16)
      assert(session.batches == Seq(16, 8, 4, 4, 4, 4))
      run(halved, session, 16)
      assert(session.batches.drop(6) == Seq(4, 4, 4, 4))
    }
  }

  /** Images of several sizes, the largest of `side` x `side`. */
  private def padded(count: Int, side: Int): Batch = {
    val inputs = (0 until count).map { i =>
      val size = PixelSize(height = side, width = side - i)
      DetectionInput(size, size, Array.tabulate(3 * side * size.width)(at => math.sin(i * 0.1 + at * 0.01).toFloat))
    }
    Batch.of(PaddedBatch.of(inputs, padSize = None, masked = false))
  }

  test(
    "a padded batch is halved too, and the parts keep its padding: each image has its numbers in the whole batch"
  ) {
    val batch = padded(5, side = 32)
    Using.resources(new RecordedRuns, failingAbove(2)) { (whole, session) =>
      def logits(runner: BatchRunner) = runner.run(batch, Seq(session.output), Cancellation.Never).flatMap(_.head)
      val difference =
        logits(whole).zip(logits(new SplitOnOutOfMemory(session))).map { case (a, b) => math.abs(a - b) }.max
      info(s"largest difference between logits: $difference")
      assert(session.batches == Seq(5, 3, 2, 1, 2) && difference < 1e-4)
    }
  }

  test("what was too much of large images is tried of small ones, and less of larger ones") {
    Using.resource(failingAbove(4)) { session =>
      val halved = new SplitOnOutOfMemory(session)
      halved.run(padded(8, side = 32), Seq(session.output), Cancellation.Never)
      // Tried, and refused: the model takes 32 x 32 alone.
      intercept[ProviderException](halved.run(padded(4, side = 16), Seq(session.output), Cancellation.Never))
      assert(session.batches == Seq(8, 4, 4, 4))
      intercept[ProviderException](halved.run(padded(2, side = 64), Seq(session.output), Cancellation.Never))
      assert(session.batches.drop(4) == Seq(1))
    }
  }

  test("the batches of several tasks run one after the other") {
    val (running, most) = (new AtomicInteger, new AtomicInteger)
    val slow = new RecordedRuns((_, _) => {
      most.accumulateAndGet(running.incrementAndGet(), (a, b) => math.max(a, b))
      Thread.sleep(100)
      running.decrementAndGet()
      None
    })
    Using.resource(slow) { session =>
      val halved = new SplitOnOutOfMemory(session)
      val tasks = Seq.fill(3)(
        new Thread(() => { val _ = halved.run(padded(1, side = 32), Seq(session.output), Cancellation.Never) })
      )
      tasks.foreach(_.start())
      tasks.foreach(_.join())
      assert(session.batches.size == 3 && most.get == 1)
    }
  }

  test("no memory for a single image is the provider's own error") {
    Using.resource(failingAbove(0)) { session =>
      val message = intercept[ProviderException](run(new SplitOnOutOfMemory(session), session, 4)).getMessage
      assert(message == outOfMemory)
      assert(session.batches == Seq(4, 2, 1))
    }
  }

  test("another failure is not tried again") {
    Using.resource(new RecordedRuns((_, _) => Some("The operator Foo is not implemented."))) { session =>
      intercept[ProviderException](run(new SplitOnOutOfMemory(session), session, 4))
      assert(session.batches == Seq(4))
    }
  }
}
