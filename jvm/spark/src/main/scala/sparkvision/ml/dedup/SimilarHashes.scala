package sparkvision.ml.dedup

import org.apache.spark.sql.functions._
import org.apache.spark.sql.{DataFrame, Dataset, Encoder, Encoders}

import sparkvision.ml.dedup.ConnectedComponents.Edge

/** Finds hashes that differ in few bits, without comparing all pairs. */
private[ml] object SimilarHashes {

  /** Edges between hashes that differ in at most `distance` bits. Not every such pair has an edge, but the edges have the same
    * connected components as all pairs within the distance.
    *
    * @param hashes
    *   bigint columns `node` and `hash`; no hash is null or repeats
    * @param count
    *   the approximate number of hashes
    */
  def edges(hashes: DataFrame, count: Long, distance: Int): Dataset[Edge] = {
    val masks = HashBands.cheapest(distance, count).masks
    val parts = posexplode(transform(typedLit(masks), mask => mask.bitwiseAND(col("hash")))).as(Seq("place", "part"))
    hashes
      .select(parts, col("node"), col("hash"))
      .as[(Int, Long, Long, Long)](partEncoder)
      .groupByKey { case (place, part, _, _) => (place, part) }(keyEncoder)
      .flatMapGroups { (_, sharing) =>
        connecting(sharing.map { case (_, _, node, hash) => (node, hash) }.toArray, distance)
      }(edgeEncoder)
  }

  private val (int, long) = (Encoders.scalaInt, Encoders.scalaLong)
  private val partEncoder: Encoder[(Int, Long, Long, Long)] = Encoders.tuple(int, long, long, long)
  private val keyEncoder: Encoder[(Int, Long)] = Encoders.tuple(int, long)
  private val edgeEncoder: Encoder[Edge] = Encoders.tuple(long, long)

  /** Enough pairs within the distance to connect the hashes that share a part. Hashes that are connected already are not
    * compared again, so that for n hashes near each other far fewer than n * n / 2 comparisons are made.
    *
    * @param sharing
    *   the nodes and their hashes
    */
  private[ml] def connecting(sharing: Array[(Long, Long)], distance: Int): Iterator[Edge] = {
    val (nodes, hashes) = sharing.unzip
    def swap(values: Array[Long], i: Int, j: Int): Unit = {
      val value = values(i)
      values(i) = values(j)
      values(j) = value
    }
    val edges = Seq.newBuilder[Edge]
    // Each hash before `reached` is connected to an earlier hash, or is the first of its component.
    var reached = 0
    var i = 0
    while (i < hashes.length) {
      reached = math.max(reached, i + 1)
      var j = reached
      while (j < hashes.length) {
        if (java.lang.Long.bitCount(hashes(i) ^ hashes(j)) <= distance) {
          edges += nodes(i) -> nodes(j)
          swap(nodes, reached, j)
          swap(hashes, reached, j)
          reached += 1
        }
        j += 1
      }
      i += 1
    }
    edges.result().iterator
  }
}

/** Parts of a hash. Two hashes that differ in few bits have at least one equal part.
  *
  * The 64 bits are distributed to `distance + width` bands, and each choice of `width` bands is a part. Bits that differ lie
  * in at most `distance` bands, so that two hashes within that distance have `width` equal bands, which are a part
  * (Manku, Jain and Das Sarma, "Detecting Near-Duplicates for Web Crawling", WWW 2007).
  *
  * @param distance
  *   bits in which two hashes may differ
  * @param width
  *   bands per part: with more bands, fewer hashes share a part by chance, but there are more parts
  */
final private[ml] case class HashBands(distance: Int, width: Int) {
  private val bands = distance + width

  /** For each part a mask of its bits. */
  def masks: Seq[Long] = (0 until bands).combinations(width).map(_.map(bitsOf).reduce(_ | _)).toSeq

  /** The bits of a band are far apart, because neighbouring bits of a hash depend on each other. */
  private def bitsOf(band: Int): Long = (band until 64 by bands).map(1L << _).sum

  /** The approximate cost of the comparisons, in units of one comparison. */
  private def cost(hashes: Long): Double = {
    val parts = (1 to width).foldLeft(1.0)((count, i) => count * (distance + i) / i)
    val sharing = hashes / math.pow(2, 64.0 * width / bands)
    parts * hashes * (HashBands.RowCost + sharing / 2)
  }
}

private[ml] object HashBands {

  /** The cost of shuffling a hash, about a microsecond, in units of one comparison, some nanoseconds. Only the order of
    * magnitude matters.
    */
  private val RowCost = 100.0
  private val LargestWidth = 4

  /** The bands with the lowest cost for a number of different hashes. */
  def cheapest(distance: Int, hashes: Long): HashBands =
    (1 to LargestWidth).map(HashBands(distance, _)).minBy(_.cost(hashes))
}
