package sparkvision.engine

import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

class HalvedBatchesSpec extends AnyFunSuite {
  // What ONNX Runtime 1.28 says when its arena has reached gpu_mem_limit.
  private val outOfMemory =
    "Non-zero status code returned while running MatMul node. Available memory of 1024 is smaller than requested bytes of 4096"

  private def failingAbove(most: Int): RecordedRuns =
    new RecordedRuns((_, count) => Option.when(count > most)(outOfMemory))

  private def run(runner: BatchRunner, session: RecordedRuns, count: Int): Seq[Seq[Float]] =
    runner.run(RecordedRuns.pictures(0, count), RecordedRuns.shape(count), session.output).map(_.toSeq)

  test("a batch for which there is no memory is halved until it fits, and its results keep their order") {
    Using.resource(failingAbove(3)) { session =>
      val alone = (0 until 13).map { i =>
        session.run(RecordedRuns.pictures(i, 1), RecordedRuns.shape(1), session.output).head
      }
      val halved = run(new HalvedBatches(session), session, 13)
      val difference = halved.flatten.zip(alone.flatten).map { case (a, b) => math.abs(a - b) }.max
      info(s"largest difference between logits: $difference")
      assert(halved.size == 13 && difference < 1e-4)
    }
  }

  test("what was too much is not tried again") {
    Using.resource(failingAbove(4)) { session =>
      val halved = new HalvedBatches(session)
      run(halved, session, 16)
      assert(session.batches == Seq(16, 8, 4, 4, 4, 4))
      run(halved, session, 16)
      assert(session.batches.drop(6) == Seq(4, 4, 4, 4))
    }
  }

  test("no memory for a single picture is the provider's own error") {
    Using.resource(failingAbove(0)) { session =>
      val message = intercept[ProviderException](run(new HalvedBatches(session), session, 4)).getMessage
      assert(message == outOfMemory)
      assert(session.batches == Seq(4, 2, 1))
    }
  }

  test("another failure is not tried again") {
    Using.resource(new RecordedRuns((_, _) => Some("The operator Foo is not implemented."))) { session =>
      intercept[ProviderException](run(new HalvedBatches(session), session, 4))
      assert(session.batches == Seq(4))
    }
  }
}
