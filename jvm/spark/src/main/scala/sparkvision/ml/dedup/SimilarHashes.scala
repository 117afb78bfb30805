package sparkvision.ml.dedup

import org.apache.spark.sql.functions._
import org.apache.spark.sql.{DataFrame, Dataset, Encoder, Encoders}

import sparkvision.ml.dedup.ConnectedComponents.Edge

/** Finds hashes that differ in few bits, without comparing each with each. */
private[ml] object SimilarHashes {

  /** Edges that connect hashes which differ in at most `distance` bits: not always directly, but two hashes hang together
    * by these edges exactly if they do by all pairs within the distance.
    *
    * @param hashes
    *   bigint columns `node` and `hash`; no hash is null, or there twice
    * @param count
    *   about how many they are
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

  /** Of those that share a part, as many pairs within the distance as connect them. What hangs together is found from one
    * to the next, and never compared again: of n hashes near each other far fewer than n * n / 2 are compared.
    *
    * @param sharing
    *   nodes and their hashes
    */
  private[ml] def connecting(sharing: Array[(Long, Long)], distance: Int): Iterator[Edge] = {
    val (nodes, hashes) = sharing.unzip
    def swap(values: Array[Long], i: Int, j: Int): Unit = {
      val value = values(i)
      values(i) = values(j)
      values(j) = value
    }
    val edges = Seq.newBuilder[Edge]
    // Those before `reached` hang together with one before them, or are the first of what hangs together.
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

/** Parts of a hash of which two hashes that differ in few bits share at least one whole.
  *
  * The 64 bits are dealt out to `distance + width` bands, and each choice of `width` bands is a part. Bits that differ lie
  * in at most `distance` bands, so that two hashes within that distance have `width` bands, one of the parts, in common
  * (Manku, Jain and Das Sarma, "Detecting Near-Duplicates for Web Crawling", WWW 2007).
  *
  * @param distance
  *   bits in which two hashes may differ
  * @param width
  *   bands a part: more make parts that fewer hashes have by chance, and more of them
  */
final private[ml] case class HashBands(distance: Int, width: Int) {
  private val bands = distance + width

  /** For each part a number whose bits are set where the hash's bits count. */
  def masks: Seq[Long] = (0 until bands).combinations(width).map(_.map(bitsOf).reduce(_ | _)).toSeq

  /** Every so many bits, because a hash's neighbouring bits depend on each other. */
  private def bitsOf(band: Int): Long = (band until 64 by bands).map(1L << _).sum

  /** About how long the comparisons take, in units of one comparison. */
  private def cost(hashes: Long): Double = {
    val parts = (1 to width).foldLeft(1.0)((count, i) => count * (distance + i) / i)
    val sharing = hashes / math.pow(2, 64.0 * width / bands)
    parts * hashes * (HashBands.RowCost + sharing / 2)
  }
}

private[ml] object HashBands {

  /** What it costs to bring a hash to those with which it shares a part, in comparisons of two hashes: a microsecond's
    * shuffle against some nanoseconds. Only the order of magnitude counts.
    */
  private val RowCost = 100.0
  private val LargestWidth = 4

  /** The bands that cost least for so many different hashes. */
  def cheapest(distance: Int, hashes: Long): HashBands =
    (1 to LargestWidth).map(HashBands(distance, _)).minBy(_.cost(hashes))
}
