package sparkvision.ml.similarity

import org.apache.spark.TaskContext
import org.apache.spark.broadcast.Broadcast
import org.apache.spark.sql.types._
import org.apache.spark.sql.{DataFrame, Dataset, Row, SparkSession}
import org.apache.spark.util.SerializableConfiguration

import sparkvision.engine.session.ExecutorRuntime
import sparkvision.engine.similarity.{SearchMethod, SearchSettings, SimilarityIndexException, UnitVector}
import sparkvision.ml.metrics.ImageMetrics
import sparkvision.ml.plan.RowMapping
import sparkvision.ml.task.{RowFunction, RowInput, RowTask}

/** Finds the neighbours of each vector in an index.
  *
  * @param batchSize
  *   vectors that one search compares with the index
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
) extends RowFunction[Array[Double]] {

  override def description: String = s"index=${index.uri}, method=$method, topK=$topK"
  override def input: RowInput[Array[Double]] = RowInput.Vector
  override def keepsEveryRow: Boolean = true
  override def mayFail: Boolean = false

  override def start(spark: SparkSession): RowTask[Array[Double]] = {
    val context = spark.sparkContext
    new FindSimilarTask(this, context.broadcast(new SerializableConfiguration(context.hadoopConfiguration)))
  }
}

private[ml] object FindSimilar {

  /** The neighbours of one vector, the best first. */
  val dataType: ArrayType = ArrayType(
    StructType(
      Seq(StructField("id", StringType, nullable = false), StructField("score", FloatType, nullable = false))
    ),
    containsNull = false
  )

  /** The dataset with a column of the neighbours of the vectors in `column`.
    *
    * @param name
    *   the stage, as query plans and metrics name it
    * @param indexUri
    *   the folder of the index
    * @param outputCol
    *   the column to add
    * @param errorCol
    *   the column of reasons to add, if any
    * @param batchSize
    *   vectors that one exact search compares with the index. An approximate search gains nothing from batches, which
    *   would only make rows wait
    * @throws ParameterException
    *   when there is no such folder
    * @throws SimilarityIndexException
    *   when the folder is no index, or the index was not built for `method`
    */
  def in(
      dataset: Dataset[_],
      column: String,
      name: String,
      indexUri: String,
      method: SearchMethod,
      topK: Int,
      efSearch: Int,
      batchSize: Int,
      outputCol: String,
      errorCol: Option[String] = None
  ): DataFrame = {
    val index = new IndexFolder(indexUri, dataset.sparkSession.sparkContext.hadoopConfiguration).read()
    if (!index.manifest.methods.contains(method))
      throw new SimilarityIndexException(
        s"The similarity index ${index.uri} was built for ${index.manifest.methods.mkString(" and ")} search alone. Set " +
          s"method to that, or build the index with method=$method."
      )
    val atOnce = if (method == SearchMethod.Exact) batchSize else 1
    val function = FindSimilar(name, index, method, topK, efSearch, atOnce, errorCol.isDefined)
    RowMapping.ofVectors(dataset, column, fields(outputCol, errorCol), function)
  }

  /** The columns that [[in]] adds. */
  def fields(outputCol: String, errorCol: Option[String]): Seq[StructField] =
    StructField(outputCol, dataType) +: errorCol.map(StructField(_, StringType)).toSeq
}

/** [[FindSimilar]] inside the tasks. */
final private[ml] class FindSimilarTask(search: FindSimilar, configuration: Broadcast[SerializableConfiguration])
    extends RowTask[Array[Double]] {
  import search._

  override def apply(vectors: Iterator[Array[Double]], metrics: ImageMetrics): Iterator[Option[Seq[Any]]] =
    if (vectors.isEmpty) Iterator.empty
    else {
      val task = TaskContext.get()
      val indexes = ExecutorIndexes.of(ExecutorRuntime.ofThisProcess)
      val copy = indexes.acquire(index, method, configuration.value.value)
      task.addTaskCompletionListener[Unit](_ => copy.close())
      val settings = SearchSettings(efSearch, task.cpus())
      vectors.map(UnitVector.of(_, index.manifest.dimension)).grouped(batchSize).flatMap { batch =>
        val queries = batch.collect { case Right(vector) => vector }.toIndexedSeq
        val found = copy.value.index.search(queries, topK, settings).iterator
        batch.map { vector =>
          metrics.image(isUsable = vector.isRight)
          Some(vector match {
            case Right(_) => values(found.next().map(one => Row(one.id, one.score)), null)
            case Left(reason) => values(null, reason)
          })
        }
      }
    }

  private def values(neighbours: Seq[Row], reason: String): Seq[Any] =
    if (hasError) Seq(neighbours, reason) else Seq(neighbours)
}
