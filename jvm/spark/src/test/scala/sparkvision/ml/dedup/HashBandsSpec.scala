package sparkvision.ml.dedup

import scala.util.Random

import org.scalatest.funsuite.AnyFunSuite

class HashBandsSpec extends AnyFunSuite {

  for (distance <- Seq(1, 4, 8, 16); width <- Seq(1, 2, 3))
    test(s"hashes that differ in $distance bits share a part of $width bands") {
      val masks = HashBands(distance, width).masks
      val random = new Random(20)
      (1 to 2000).foreach { _ =>
        val hash = random.nextLong()
        val other = random.shuffle((0 until 64).toList).take(distance).foldLeft(hash)((bits, i) => bits ^ 1L << i)
        assert(masks.exists(mask => (hash & mask) == (other & mask)), f"$hash%016x $other%016x")
      }
    }

  test("the bands of a hash are all of its bits") {
    assert(HashBands(6, 1).masks.reduce(_ | _) == -1L)
    assert(HashBands(6, 1).masks.map(java.lang.Long.bitCount).sum == 64)
  }

  test("the more hashes there are, the fewer of them share a part") {
    val widths = Seq(1000L, 1000000L, 1000000000L).map(HashBands.cheapest(6, _).width)
    assert(widths == widths.sorted && widths.head == 1 && widths.last > 1)
  }
}
