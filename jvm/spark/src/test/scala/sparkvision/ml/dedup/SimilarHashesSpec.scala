package sparkvision.ml.dedup

import scala.util.Random

import org.scalatest.funsuite.AnyFunSuite

class SimilarHashesSpec extends AnyFunSuite {

  /** The connected components of the hashes, found by following all edges from each hash. */
  private def components(hashes: Seq[Long])(linked: (Long, Long) => Boolean): Set[Set[Long]] = {
    def grown(all: Set[Long]): Set[Long] = {
      val next = all ++ hashes.filter(hash => all.exists(linked(_, hash)))
      if (next.size == all.size) all else grown(next)
    }
    hashes.map(hash => grown(Set(hash))).toSet
  }

  test("as few edges as possible connect the hashes within the distance, and no others") {
    val random = new Random(3)
    val hashes = Seq
      .fill(20)(random.nextLong())
      .flatMap { hash =>
        Iterator.iterate(hash)(last => last ^ 1L << random.nextInt(64) ^ 1L << random.nextInt(64)).take(6)
      }
      .distinct
    val edges = SimilarHashes.connecting(random.shuffle(hashes.zip(hashes)).toArray, distance = 3).toSet
    val expected = components(hashes)((a, b) => java.lang.Long.bitCount(a ^ b) <= 3)
    assert(components(hashes)((a, b) => edges((a, b)) || edges((b, a))) == expected)
    assert(edges.size == hashes.size - expected.size && expected.size > 10)
  }

  test("not all pairs of many hashes near each other are compared") {
    val random = new Random(3)
    def nearZero = (1 to 5).foldLeft(0L)((hash, _) => hash ^ 1L << random.nextInt(64))
    val hashes = Iterator.continually(nearZero).distinct.take(300000).toArray
    val start = System.nanoTime
    assert(SimilarHashes.connecting(hashes.zip(hashes), distance = 4).size == hashes.length - 1)
    val seconds = (System.nanoTime - start) / 1e9
    info(f"${hashes.length} hashes in $seconds%.1f s")
    // All pairs are 4.5e10, and take about a minute.
    assert(seconds < 15)
  }

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
