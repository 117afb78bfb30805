package sparkvision.ml.similarity

import java.io.{FileNotFoundException, IOException}
import java.nio.file.{Files, Path}

import scala.concurrent.duration._
import scala.util.Using

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{ChecksumException, FileUtil, Path => HadoopPath}
import org.apache.spark.sparkvision.LocalDirectories

import sparkvision.engine.bundle.FileDigest
import sparkvision.engine.session.ExecutorRuntime
import sparkvision.engine.session.KeyedCache.Lease
import sparkvision.engine.similarity.{SearchMethod, SimilarityIndex, SimilarityIndexException}

/** An executor's copies of similarity indexes, mapped into memory and shared by its tasks. Each copy is made once, and
  * verified against the manifest, while other copies are searched. A copy that no task has used for [[ExecutorIndexes.Idle]] is deleted.
  *
  * @param localDirectories
  *   the directories for copies; the one with the most space is used
  * @param idle
  *   how long an unused copy is kept
  */
final private[ml] class ExecutorIndexes(
    localDirectories: => Seq[Path],
    runtime: ExecutorRuntime,
    idle: FiniteDuration = ExecutorIndexes.Idle
) extends AutoCloseable {
  import ExecutorIndexes._

  private val copies = runtime.newCache[Key, Copy](_.delete())

  /** This executor's copy, which the first call makes.
    *
    * @return
    *   a lease, which the caller closes: the copy is not deleted before that
    * @throws SimilarityIndexException
    *   when the index cannot be read or is damaged, or no local directory accepts it
    */
  def acquire(published: PublishedIndex, method: SearchMethod, configuration: Configuration): Lease[Copy] =
    copies.acquire(Key(published.uri, published.manifest.build, method), idle)(make(published, method, configuration))

  override def close(): Unit = copies.close()

  private def make(published: PublishedIndex, method: SearchMethod, configuration: Configuration): Copy = {
    val directory = localDirectories.maxBy(_.toFile.getUsableSpace)
    val folder =
      try Files.createTempDirectory(directory, s"sparkvision-index-${published.manifest.build}-")
      catch { case e: IOException => throw notCopied(directory, published, method, e) }
    try {
      published.manifest.filesOf(method).foreach { case (name, digest) =>
        val (source, target) = (new HadoopPath(published.uri, name), folder.resolve(name))
        try if (copy(source, target, configuration) != digest) throw notBuilt(source)
        catch {
          case e: FileNotFoundException => throw missing(source, e)
          case _: ChecksumException => throw notBuilt(source)
          case e: IOException => throw notCopied(directory, published, method, e)
        }
      }
      Copy(folder, SimilarityIndex.open(folder, published.manifest, method, runtime))
    } catch {
      case e: Throwable =>
        FileUtil.fullyDelete(folder.toFile)
        throw e
    }
  }
}

private[ml] object ExecutorIndexes {

  /** How long a copy that no task uses is kept. A copy costs the transfer of the whole index, so it lasts as long as a pause
    * between the queries of a notebook, which is also how long a copy of a model lasts.
    */
  val Idle: FiniteDuration = 1.hour

  /** The copies of this process's runtime. */
  def of(runtime: ExecutorRuntime): ExecutorIndexes =
    runtime.part(classOf[ExecutorIndexes])(new ExecutorIndexes(LocalDirectories.all, runtime))

  final private case class Key(uri: String, build: String, method: SearchMethod)

  final private[ml] case class Copy(folder: Path, index: SimilarityIndex) {
    private[ExecutorIndexes] def delete(): Unit = {
      index.close()
      val _ = FileUtil.fullyDelete(folder.toFile)
    }
  }

  private def copy(source: HadoopPath, target: Path, configuration: Configuration): FileDigest = {
    Files.createDirectories(target.getParent)
    Using.resources(source.getFileSystem(configuration).open(source), Files.newOutputStream(target))(DigestedCopy(_, _))
  }

  private def notBuilt(file: HadoopPath) = SimilarityIndex.damaged(file, "is not what was built")

  private def missing(file: HadoopPath, cause: IOException) = new SimilarityIndexException(
    s"An executor finds no file $file of the similarity index. Either the index was replaced while the query ran: run " +
      "the query again. Or executors do not see the driver's files: build the index where all can read it.",
    cause
  )

  private def notCopied(directory: Path, published: PublishedIndex, method: SearchMethod, cause: IOException) = {
    val bytes = published.manifest.filesOf(method).map(_._2.size).sum
    new SimilarityIndexException(
      s"This executor cannot copy the similarity index ${published.uri}, ${(bytes >> 20) + 1} MB, into $directory: $cause. " +
        "It must be able to read the one, and have room in the other; spark.local.dir names other disks.",
      cause
    )
  }
}
