package sparkvision.engine.similarity

import java.nio.file.Path
import java.util.Arrays

import scala.util.Using

import sparkvision.engine.runtime.{DotProductSession, DotProducts}
import sparkvision.engine.session.ExecutorRuntime

/** Compares every query with every vector, many queries at once, so that the vectors pass through the cache once for all of
  * them.
  *
  * The matrix product is in float32, and its last bits depend on the position of a vector. It is therefore only used to find
  * candidates, whose cosines are then computed one by one, independent of their position.
  */
final private[similarity] class ExactSearch(folder: Path, manifest: IndexManifest, sessions: DotProductSessions)
    extends SimilarityIndex {
  import ExactSearch._

  private val shards = manifest.shards.toIndexedSeq.map { shard =>
    val vectors =
      new VectorFile(folder.resolve(shard.folder).resolve(ShardWriter.Vectors), manifest.dimension, shard.vectors)
    (vectors, IdFile.of(folder, shard))
  }

  /** The error of a float32 sum of `dimension` products of unit vectors, in any order, is below dimension * 2^-24 (Higham,
    * Accuracy and Stability of Numerical Algorithms, section 3.1). The product itself and the cosine are rounded as well. The
    * bound is doubled because two scores are compared.
    */
  private val tolerance = 2 * (manifest.dimension + 2) * Math.ulp(0.5f)

  override def search(
      queries: IndexedSeq[Array[Float]],
      count: Int,
      settings: SearchSettings
  ): IndexedSeq[Seq[Neighbour]] =
    if (queries.isEmpty) IndexedSeq.empty
    else
      Using.resource(new DotProducts(queries, manifest.dimension, sessions.of(settings.threads))) { products =>
        val candidates = queries.map(_ => new Candidates(count, tolerance))
        for {
          ((vectors, _), shard) <- shards.iterator.zipWithIndex
          (first, block) <- vectors.blocks(DotProducts.BlockRows)
        } collect(products(block), block.remaining / manifest.dimension, candidates, place(shard, first))
        queries.zip(candidates).map { case (query, found) => best(query, found.result(), count) }
      }

  /** @param start
    *   the position of the first row
    */
  private def collect(products: Array[Float], rows: Int, candidates: IndexedSeq[Candidates], start: Long): Unit = {
    val thresholds = candidates.map(_.threshold).toArray
    val queries = thresholds.length
    var i = 0
    var row = 0
    while (row < rows) {
      var query = 0
      while (query < queries) {
        if (products(i) >= thresholds(query)) {
          candidates(query).add(products(i), start + row)
          thresholds(query) = candidates(query).threshold
        }
        i += 1
        query += 1
      }
      row += 1
    }
  }

  private def best(query: Array[Float], places: Array[Long], count: Int): Seq[Neighbour] = {
    val scores = places.map(place => shards(shardOf(place))._1.cosine(rowOf(place), query))
    val sorted = scores.clone
    Arrays.sort(sorted)
    val least = if (sorted.length <= count) Float.NegativeInfinity else sorted(sorted.length - count)
    // Ids are read for the best candidates only, which are few among thousands.
    places
      .zip(scores)
      .collect { case (place, score) if score >= least => Neighbour(shards(shardOf(place))._2(rowOf(place)), score) }
      .sorted
      .take(count)
      .toSeq
  }

  override def close(): Unit = ()
}

private object ExactSearch {
  private def place(shard: Int, row: Int): Long = (shard.toLong << 32) | row
  private def shardOf(place: Long): Int = (place >>> 32).toInt
  private def rowOf(place: Long): Int = place.toInt
}

/** The sessions of all exact searches of a process, one for each number of threads. They stay open until the process ends. */
final private[similarity] class DotProductSessions(runtime: ExecutorRuntime) extends AutoCloseable {
  private val sessions = runtime.newCache[Int, DotProductSession](_.close())

  def of(threads: Int): DotProductSession = sessions.get(threads)(DotProductSession.open(threads, runtime.nativeRuns))

  override def close(): Unit = sessions.close()
}

private[similarity] object DotProductSessions {
  def of(runtime: ExecutorRuntime): DotProductSessions =
    runtime.part(classOf[DotProductSessions])(new DotProductSessions(runtime))
}

/** The rows that may be among the `count` best of a query, given scores with rounding errors.
  *
  * Every row within `tolerance` of the count-th best score is kept, so that the exact cosines, and then the ids, decide
  * between vectors that are nearly equal, and not their positions in memory.
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

  /** The positions of the candidates, in the order in which they were added. */
  def result(): Array[Long] = {
    prune()
    places.take(size)
  }

  private def makeRoom(): Unit = {
    prune()
    // Many candidates are equally good, for example copies of one image.
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
