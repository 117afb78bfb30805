package sparkvision.ml

import org.apache.spark.sql.functions._
import org.apache.spark.sql.{DataFrame, Dataset, Encoder, Encoders}

import sparkvision.ml.ConnectedComponents.Edge

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

  /** Compares those that share a part, all with all; of the pairs within the distance it keeps as many as connect them. */
  private def connecting(sharing: Array[(Long, Long)], distance: Int): Iterator[Edge] = {
    val groups = new DisjointSets(sharing.length)
    val hashes = sharing.map(_._2)
    val edges = Seq.newBuilder[Edge]
    var i = 1
    while (i < hashes.length) {
      var j = 0
      while (j < i) {
        if (java.lang.Long.bitCount(hashes(i) ^ hashes(j)) <= distance && groups.union(i, j))
          edges += sharing(i)._1 -> sharing(j)._1
        j += 1
      }
      i += 1
    }
    edges.result().iterator
  }
}
