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
