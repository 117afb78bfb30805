package sparkvision.ml.similarity

import org.apache.hadoop.conf.Configuration
import org.apache.spark.TaskContext
import org.apache.spark.sql.Row
import org.apache.spark.sql.types._

import sparkvision.engine.similarity.{SearchMethod, SearchSettings, UnitVector}
import sparkvision.ml.task.VectorFunction

/** Finds each vector's neighbours in an index.
  *
  * @param batchSize
  *   vectors that are asked for at once
  * @param hasError
  *   whether there is a column for the reason why a vector has no neighbours
  */
final private[ml] case class FindSimilar(
    name: String,
    index: PublishedIndex,
    method: SearchMethod,
    topK: Int,
    efSearch: Int,
    batchSize: Int,
    hasError: Boolean
) extends VectorFunction {

  override def description: String = s"index=${index.uri}, method=$method, topK=$topK"

  override def apply(vectors: Iterator[Array[Double]], configuration: => Configuration): Iterator[Seq[Any]] =
    if (vectors.isEmpty) Iterator.empty
    else {
      val task = TaskContext.get()
      val opened = ExecutorIndexes.shared.acquire(index, method, configuration)
      task.addTaskCompletionListener[Unit](_ => ExecutorIndexes.shared.release(index, method))
      val settings = SearchSettings(efSearch, task.cpus())
      vectors.map(UnitVector.of(_, index.manifest.dimension)).grouped(batchSize).flatMap { batch =>
        val found = opened.search(batch.collect { case Right(vector) => vector }.toIndexedSeq, topK, settings).iterator
        batch.map {
          case Right(_) => values(found.next().map(one => Row(one.id, one.score)), null)
          case Left(reason) => values(null, reason)
        }
      }
    }

  private def values(neighbours: Seq[Row], reason: String): Seq[Any] =
    if (hasError) Seq(neighbours, reason) else Seq(neighbours)
}

private[ml] object FindSimilar {

  /** One neighbour, the best of them first. */
  val dataType: ArrayType = ArrayType(
    StructType(
      Seq(StructField("id", StringType, nullable = false), StructField("score", FloatType, nullable = false))
    ),
    containsNull = false
  )
}
