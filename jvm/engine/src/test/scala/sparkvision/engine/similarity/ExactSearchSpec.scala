package sparkvision.engine.similarity

import org.scalatest.funsuite.AnyFunSuite

class ExactSearchSpec extends AnyFunSuite {
  private val settings = SearchSettings(ef = 1, threads = 1)
  // More than one block of the matrix product, and no whole number of them.
  private val vectors = MadeIndex.clustered(count = 5000, dimension = 33, seed = 1)
  private val queries = MadeIndex.clustered(count = 70, dimension = 33, seed = 1).map(_._2).drop(20)

  private def search(parts: Seq[IndexedSeq[MadeIndex.Named]], count: Int) =
    MadeIndex.open(MadeIndex.write(parts, 33), SearchMethod.Exact).search(queries, count, settings)

  test("the neighbours are those that comparing all in double precision finds") {
    val expected = queries.map(MadeIndex.nearest(vectors, _, 12))
    val found = search(Seq(vectors), 12)
    val differences = found.flatten.zip(expected.flatten).map { case (a, b) => math.abs(a.score - b.score) }
    info(s"largest difference of a cosine ${differences.max}")
    assert(found.map(_.map(_.id)) == expected.map(_.map(_.id)) && differences.max <= 1e-7)
  }

  test("the answer does not depend on how the index was split, nor on the order in it") {
    val whole = search(Seq(vectors), 12)
    assert(search(Seq(vectors.take(1), vectors.slice(1, 3000), vectors.drop(3000)), 12) == whole)
    assert(search(Seq(vectors.sortBy(_._1)), 12) == whole)
  }

  test("copies of one image come in the order of their ids, however many there are") {
    val copies = vectors.take(3000).map { case (id, _) => id -> queries.head }
    val found = search(Seq(copies.drop(1500), copies.take(1500)), 5).head
    assert(found.map(_.id) == copies.map(_._1).sorted.take(5) && found.map(_.score).distinct.size == 1)
  }

  test("an index with fewer images than are asked for gives them all") {
    assert(search(Seq(vectors.take(3)), 10).forall(_.size == 3))
  }

  test("no queries get no answers") {
    assert(
      MadeIndex
        .open(MadeIndex.write(Seq(vectors), 33), SearchMethod.Exact)
        .search(IndexedSeq.empty, 3, settings)
        .isEmpty
    )
  }
}
