package sparkvision.engine.similarity

import org.scalatest.funsuite.AnyFunSuite

class ApproximateSearchSpec extends AnyFunSuite {
  private val graph = Some(HnswSettings(HnswSettings.DefaultM, HnswSettings.DefaultEfConstruction))
  private val vectors = MadeIndex.clustered(count = 4000, dimension = 32, seed = 2)
  private val queries = MadeIndex.clustered(count = 4050, dimension = 32, seed = 2).takeRight(50).map(_._2)
  private lazy val index = MadeIndex.write(Seq(vectors.take(2000), vectors.drop(2000)), 32, graph)

  private def search(ef: Int) =
    MadeIndex.open(index, SearchMethod.Approximate).search(queries, 10, SearchSettings(ef, threads = 1))

  private def recall(ef: Int): Double = {
    val exact = MadeIndex.open(index, SearchMethod.Exact).search(queries, 10, SearchSettings(ef, threads = 1))
    val hits =
      search(ef).zip(exact).map { case (found, expected) => found.map(_.id).intersect(expected.map(_.id)).size }
    hits.sum / (10.0 * queries.size)
  }

  test("nearly all of the ten nearest are found, and more of them with a larger efSearch") {
    val (few, many) = (recall(10), recall(100))
    info(f"recall@10 $few%.3f with efSearch 10, $many%.3f with 100")
    assert(many >= 0.97 && many >= few)
  }

  test("the cosines are those of an exact search") {
    val exact = MadeIndex.open(index, SearchMethod.Exact)
    // Some of the index's own vectors too: their cosines with themselves are 1 but for their rounding, and never more.
    val asked = queries ++ vectors.take(50).map(_._2)
    val settings = SearchSettings(ef = 100, threads = 1)
    val all = exact.search(asked, 100, settings)
    MadeIndex.open(index, SearchMethod.Approximate).search(asked, 10, settings).zip(all).foreach {
      case (found, expected) =>
        assert(found.toSet.subsetOf(expected.toSet) && found.forall(_.score <= 1) && found == found.sorted)
    }
  }

  test("a graph that memory holds only in parts is merged into one") {
    val long = MadeIndex.clustered(count = 3000, dimension = 1536, seed = 3)
    val parts = MadeIndex.write(Seq(long), 1536, Some(HnswSettings(m = 8, efConstruction = 20)), memory = 4)
    val opened = MadeIndex.open(parts, SearchMethod.Approximate)
    val queries = (0 until long.size by 50).map(long(_)._2)
    val vectorOf = long.toMap
    // Each name has its own vector's cosine: the parts came together in the order in which they were written.
    for {
      (query, found) <- queries.zip(opened.search(queries, 5, SearchSettings(50, 1)))
      neighbour <- found
    } assert(math.abs(neighbour.score - vectorOf(neighbour.id).zip(query).map { case (a, b) => a * b }.sum) < 1e-5)
  }
}
