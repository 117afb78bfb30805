package sparkvision.ml.similarity

import java.nio.file.{Files, Path}

import scala.collection.immutable.SortedMap
import scala.collection.mutable
import scala.jdk.CollectionConverters._
import scala.util.Using

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{FileUtil, Path => HadoopPath}
import org.apache.spark.TaskContext
import org.apache.spark.sparkvision.LocalDirectories
import org.apache.spark.sql.Row

import sparkvision.engine.bundle.FileDigest
import sparkvision.engine.similarity.{HnswSettings, IndexShard, ShardWriter, SimilarityIndexException, UnitVector}
import sparkvision.ml.column.VectorColumn

/** Builds one shard inside a task: first on the disk of the executor, from where it is copied to the index.
  *
  * @param indexUri
  *   the URI of the index
  * @param folder
  *   the folder of this build, relative to the index
  * @param tasksAtOnce
  *   the number of tasks that share the executor's heap
  */
final private[ml] case class ShardBuild(
    indexUri: String,
    folder: String,
    dimension: Int,
    graph: Option[HnswSettings],
    tasksAtOnce: Int
) {
  import ShardBuild._

  /** @param rows
    *   ids and vectors
    * @throws SimilarityIndexException
    *   for a vector of another length, which another model has computed
    */
  def run(rows: Iterator[Row], configuration: Configuration): BuiltShard = {
    val task = TaskContext.get()
    // The attempts of a task that Spark runs twice must not write to the same files.
    val name = f"$folder/${task.partitionId()}%05d-${task.taskAttemptId()}"
    val local = LocalDirectories.create("sparkvision-shard")
    try {
      val leftOut = mutable.Map[String, Long]().withDefaultValue(0L)
      val usable = rows.flatMap { row =>
        val numbers = VectorColumn.numbers(row.get(1))
        if (numbers != null && numbers.nonEmpty && numbers.length != dimension)
          throw otherLength(row.getString(0), numbers.length)
        val vector = if (row.isNullAt(0)) Left("the id is null") else UnitVector.of(numbers, dimension)
        vector.left.foreach(reason => leftOut(reason) += 1)
        vector.map(row.getString(0) -> _).toOption
      }
      val vectors = new ShardWriter(local, dimension, graph, graphMemory).write(usable)
      val files =
        if (vectors == 0) SortedMap.empty[String, FileDigest]
        else copyTo(new HadoopPath(indexUri, name), local, configuration)
      BuiltShard(IndexShard(name, vectors, files), leftOut.toMap)
    } finally FileUtil.fullyDelete(local.toFile): Unit
  }

  private def otherLength(id: String, length: Int) = new SimilarityIndexException(
    s"The embedding of '$id' has $length numbers, but the index is made of $dimension each, according to the " +
      "column's metadata or the first embedding of the table. Build the index from the embeddings of one model."
  )

  /** A third of the heap is for the graphs; Spark and the images need the rest. */
  private def graphMemory: Int = {
    val megabytes = Runtime.getRuntime.maxMemory >> 20
    math.max(LeastGraphMemory, math.min(MostGraphMemory, megabytes / 3 / tasksAtOnce)).toInt
  }

  private def copyTo(target: HadoopPath, local: Path, configuration: Configuration): SortedMap[String, FileDigest] = {
    val fileSystem = target.getFileSystem(configuration)
    val files = Using.resource(Files.walk(local))(_.iterator.asScala.filter(Files.isRegularFile(_)).toSeq)
    SortedMap.from(files.map { file =>
      val name = local.relativize(file).toString
      name -> Using.resources(Files.newInputStream(file), fileSystem.create(new HadoopPath(target, name)))(
        DigestedCopy(_, _)
      )
    })
  }
}

private[ml] object ShardBuild {

  /** In megabytes. Lucene's own limit is 2,048 per thread. */
  private val MostGraphMemory = 1900L
  private val LeastGraphMemory = 64L
}

/** @param leftOut
  *   the number of rows that the shard does not contain, by reason
  */
final private[ml] case class BuiltShard(shard: IndexShard, leftOut: Map[String, Long])
