package sparkvision.ml.similarity

import java.util.UUID

import scala.concurrent.duration._
import scala.jdk.CollectionConverters._
import scala.util.Try

import org.apache.spark.SparkException
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.functions.col
import org.apache.spark.sql.types.StringType
import org.apache.spark.sql.{DataFrame, Dataset, Row}
import org.apache.spark.util.SerializableConfiguration

import sparkvision.engine.similarity.{HnswSettings, IndexManifest, SimilarityIndexException}
import sparkvision.image.{ParameterException, SparkVisionException}
import sparkvision.ml.column.{ColumnNames, VectorColumn}
import sparkvision.ml.task.PartitionRunner

/** Builds the index of the vectors of a table on the cluster; see `SimilarImages.build`. */
final private[ml] class SimilarityIndexBuilder(
    dataset: Dataset[_],
    idCol: String,
    embeddingsCol: String,
    graph: Option[HnswSettings],
    shards: Int
) {
  private val context = dataset.sparkSession.sparkContext

  if (dataset.isStreaming)
    throw new ParameterException(
      "SimilarImages.build reads a whole table, but the dataset is a stream. Write the stream to a table, and build the " +
        "index of that table."
    )
  if (shards < 0)
    throw new ParameterException(s"shards is at least 1, or 0 for as many as there are partitions, not $shards.")

  /** @throws ParameterException
    *   when the folder holds other files, or an index that must not be replaced
    * @throws SimilarityIndexException
    *   when no row has a usable vector
    */
  def build(indexPath: String, overwrite: Boolean): SimilarityIndexSummary = {
    val folder = new IndexFolder(indexPath, context.hadoopConfiguration)
    folder.requireOwn()
    if (folder.exists && !overwrite)
      throw new ParameterException(
        s"There is a similarity index at ${folder.qualified} already. Set overwrite to replace it, or choose another folder."
      )
    // A damaged index is replaced too.
    val before = Try(folder.read().manifest).toOption
    val id = UUID.randomUUID.toString
    val (manifest, leftOut) =
      try write(folder, id, before.map(_.build))
      catch {
        case e: Throwable =>
          awaitTasks(id)
          folder.discard(id)
          throw e
      }
    before.foreach { replaced =>
      replaced.previous.foreach(folder.discard)
      folder.discardAbandoned(named = Set(id, replaced.build))
    }
    SimilarityIndexSummary(folder.qualified, manifest.dimension, manifest.vectors, leftOut)
  }

  private def write(folder: IndexFolder, id: String, previous: Option[String]): (IndexManifest, Map[String, Long]) = {
    val rows = vectors
    val shard = ShardBuild(folder.qualified, IndexFolder.build(id), dimension(rows), graph, tasksAtOnce)
    val built = buildShards(rows, shard)
    val leftOut = built.flatMap(_.leftOut).groupMapReduce(_._1)(_._2)(_ + _)
    val named = built.map(_.shard).filter(_.vectors > 0)
    if (named.isEmpty) throw noVector
    val manifest = IndexManifest(id, previous, shard.dimension, leftOut.values.sum, graph, named, version)
    folder.discardUnnamed(manifest)
    folder.publish(manifest)
    (manifest, leftOut)
  }

  /** Ids and vectors. */
  private def vectors: DataFrame = {
    val schema = dataset.schema
    // By index, because names may contain dots or repeat.
    val columns = dataset.toDF(schema.indices.map(index => s"c$index"): _*)
    val id = ColumnNames.indexOf(schema, idCol, "the images' ids (idCol)")
    columns.select(
      col(s"c$id").cast(StringType).as("id"),
      col(s"c${VectorColumn.indexOf(schema, embeddingsCol)}").as("vector")
    )
  }

  /** The length of the vectors, from the column's metadata or else from the first vector that is not empty. */
  private def dimension(rows: DataFrame): Int =
    VectorColumn.declaredSize(rows.schema("vector")).getOrElse {
      val vectors = rows.select("vector").where("vector is not null").rdd
      vectors
        .map(row => VectorColumn.numbers(row.get(0)).length)
        .filter(_ > 0)
        .take(1)
        .headOption
        .getOrElse(throw noVector)
    }

  private def buildShards(rows: DataFrame, build: ShardBuild): Seq[BuiltShard] = {
    val configuration = context.broadcast(new SerializableConfiguration(context.hadoopConfiguration))
    val shards = inShards(rows.rdd).mapPartitions(part => Iterator.single(build.run(part, configuration.value.value)))
    context.addJobTag(build.folder)
    try shards.collect().toSeq
    catch { case e: SparkException if e.getCause.isInstanceOf[SparkVisionException] => throw e.getCause }
    finally context.removeJobTag(build.folder)
  }

  /** Waits for the other tasks of a failed job, which run for a moment longer and may still write files. */
  private def awaitTasks(id: String): Unit = {
    val tracker = context.statusTracker
    def stages = tracker.getJobIdsForTag(IndexFolder.build(id)).flatMap(tracker.getJobInfo).flatMap(_.stageIds)
    val deadline = SimilarityIndexBuilder.LongestWait.fromNow
    while (deadline.hasTimeLeft() && stages.flatMap(tracker.getStageInfo).exists(_.numActiveTasks > 0)) Thread.sleep(20)
  }

  /** The rows with one partition per shard. */
  private def inShards(rows: RDD[Row]): RDD[Row] = {
    val partitions = rows.getNumPartitions
    if (shards > partitions) rows.repartition(shards)
    else if (shards > 0) rows.coalesce(shards)
    else if (graph.isDefined) rows.coalesce(math.max(1, math.min(partitions, context.defaultParallelism)))
    else rows
  }

  private def tasksAtOnce: Int =
    math.max(1, PartitionRunner.executorCores(context.getConf) / context.getConf.getInt("spark.task.cpus", 1))

  private def version: String = Option(getClass.getPackage.getImplementationVersion).getOrElse("development")

  private def noVector = new SimilarityIndexException(
    s"There is no usable vector in the column '$embeddingsCol', so there is nothing to build a similarity index of. Look " +
      "at the errorCol of the stage that computed the embeddings."
  )
}

private object SimilarityIndexBuilder {

  /** How long a failed build waits for its tasks. */
  val LongestWait: FiniteDuration = 10.seconds
}

/** The result of building an index.
  *
  * @param indexPath
  *   the folder, with its scheme
  * @param dimension
  *   the length of the vectors
  * @param vectors
  *   the number of vectors in the index
  * @param leftOut
  *   the number of rows that the index does not contain, by reason
  */
final case class SimilarityIndexSummary(indexPath: String, dimension: Int, vectors: Long, leftOut: Map[String, Long]) {

  /** [[leftOut]] for Java and Python. */
  def leftOutAsJava: java.util.Map[String, Long] = leftOut.asJava
}
