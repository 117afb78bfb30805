package sparkvision.engine.runtime

import java.nio.{FloatBuffer, LongBuffer}

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.session.TaskSession

class BatchSpec extends AnyFunSuite {

  /** Images of `side` x `side`, of which each value is the number of the image. */
  private def batch(images: Int, side: Int): Batch = {
    val each = 3 * side * side
    val values = FloatBuffer.wrap(Array.tabulate(images * each)(at => (at / each).toFloat))
    Batch(values, Array(images.toLong, 3, side.toLong, side.toLong))
  }

  /** The numbers of the images in each run that the CPU would make of the batch. */
  private def runs(images: Int, side: Int, threads: Int): IndexedSeq[Seq[Int]] = {
    val all = batch(images, side)
    all.pieces(TaskSession.itemsPerRun(all.valuesEach, threads)).map { piece =>
      (0 until piece.size).map(image => piece.values.get(image * piece.valuesEach).toInt)
    }
  }

  test("images of 224 x 224 are run two at a time, in order") {
    assert(runs(8, side = 224, threads = 1) == IndexedSeq(Seq(0, 1), Seq(2, 3), Seq(4, 5), Seq(6, 7)))
  }

  test("runs are even") {
    assert(runs(9, side = 224, threads = 2) == IndexedSeq(0 to 2, 3 to 5, 6 to 8))
  }

  test("a run of more threads has more images") {
    assert(runs(8, side = 224, threads = 4) == IndexedSeq(0 to 7))
  }

  test("of larger images a run has fewer, at least one, and of smaller ones more") {
    assert(runs(2, side = 1024, threads = 1) == IndexedSeq(Seq(0), Seq(1)))
    assert(runs(64, side = 32, threads = 1) == IndexedSeq(0 to 63))
  }

  test("of pieces that cannot be even, the first ones are larger by one") {
    assert(batch(5, side = 1).pieces(3).map(_.size) == IndexedSeq(3, 2))
    assert(batch(11, side = 1).pieces(4).map(_.size) == IndexedSeq(4, 4, 3))
  }

  test("a piece has the mask of its own images") {
    val mask = LongBuffer.wrap(Array.tabulate(4 * 2 * 2)(at => (at / 4).toLong))
    val masked = batch(4, side = 2).copy(mask = Some(mask))
    assert(masked.pieces(1).map(_.mask.get.get(3)) == (0 until 4).map(_.toLong))
  }
}
