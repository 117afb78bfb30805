package sparkvision.engine.session

import org.scalatest.funsuite.AnyFunSuite

class CpuRunsSpec extends AnyFunSuite {
  private def values(side: Int) = 3 * side * side

  test("images of 224 x 224 are run two at a time, in order") {
    assert(CpuRuns.of(8, values(224), threads = 1) == IndexedSeq(0 -> 2, 2 -> 2, 4 -> 2, 6 -> 2))
  }

  test("runs are even") {
    assert(CpuRuns.of(9, values(224), threads = 2) == IndexedSeq(0 -> 3, 3 -> 3, 6 -> 3))
  }

  test("a run of more threads has more images") {
    assert(CpuRuns.of(8, values(224), threads = 4) == IndexedSeq(0 -> 8))
  }

  test("of larger images a run has fewer, at least one, and of smaller ones more") {
    assert(CpuRuns.of(2, values(1024), threads = 1) == IndexedSeq(0 -> 1, 1 -> 1))
    assert(CpuRuns.of(64, values(32), threads = 1) == IndexedSeq(0 -> 64))
  }
}
