package sparkvision.engine.similarity

import java.util.Arrays

/** The rows that may be among a query's `count` best, given scores that are off by rounding.
  *
  * Whatever is within `tolerance` of the count-th best score stays, so that the exact cosines, and then the ids, decide
  * between vectors that are as good as equal, and not the place in memory where each of them lies.
  */
final private[similarity] class Candidates(count: Int, tolerance: Float) {
  private var scores = new Array[Float](math.max(64, 4 * count))
  private var places = new Array[Long](scores.length)
  private var size = 0

  /** Lower scores are not among the best. */
  var threshold: Float = Float.NegativeInfinity

  def add(score: Float, place: Long): Unit = {
    if (size == scores.length) makeRoom()
    scores(size) = score
    places(size) = place
    size += 1
  }

  /** The places of the candidates, in the order in which they were added. */
  def result(): Array[Long] = {
    prune()
    places.take(size)
  }

  private def makeRoom(): Unit = {
    prune()
    // Many that are equally good, such as copies of one image.
    if (size > scores.length / 2) {
      scores = Arrays.copyOf(scores, 2 * scores.length)
      places = Arrays.copyOf(places, 2 * places.length)
    }
  }

  private def prune(): Unit = if (size > count) {
    val sorted = scores.take(size)
    Arrays.sort(sorted)
    threshold = sorted(size - count) - tolerance
    var kept = 0
    for (i <- 0 until size if scores(i) >= threshold) {
      scores(kept) = scores(i)
      places(kept) = places(i)
      kept += 1
    }
    size = kept
  }
}
