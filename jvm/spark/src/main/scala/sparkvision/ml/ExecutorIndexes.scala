package sparkvision.ml

import java.io.{FileNotFoundException, IOException}
import java.nio.file.{Files, Path}

import scala.collection.mutable
import scala.concurrent.duration._
import scala.util.Using

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{ChecksumException, FileUtil, Path => HadoopPath}
import org.apache.spark.sparkvision.LocalDirectories

import sparkvision.engine.similarity.{SearchMethod, SimilarityIndex}
import sparkvision.engine.{FileDigest, SimilarityIndexException}

/** An executor's copies of similarity indexes, mapped into memory and shared by its tasks: each is made once, and checked
  * against the manifest. When another one is made, those that have long been unused are deleted.
  *
  * @param localDirectories
  *   where copies may lie; the one with the most room is taken
  * @param idle
  *   how long an unused copy is kept at least
  */
final private[ml] class ExecutorIndexes(localDirectories: => Seq[Path], idle: FiniteDuration = 5.minutes) {
  import ExecutorIndexes._

  private val copies = mutable.Map[Key, Copy]()

  /** This executor's copy, made at the first call. Every caller gives it back.
    *
    * @throws SimilarityIndexException
    *   when the index cannot be read or is damaged, or no local directory takes it
    */
  def acquire(published: PublishedIndex, method: SearchMethod, configuration: Configuration): SimilarityIndex =
    synchronized {
      val key = Key(published.uri, published.manifest.build, method)
      if (!copies.contains(key)) discardUnused()
      val copy = copies.getOrElseUpdate(key, make(published, method, configuration))
      copy.users += 1
      copy.index
    }

  def release(index: SimilarityIndex): Unit = synchronized {
    copies.values.filter(_.index eq index).foreach { copy =>
      copy.users -= 1
      copy.lastUsed = System.nanoTime
    }
  }

  private def discardUnused(): Unit = {
    val unused = copies.filter { case (_, copy) => copy.users == 0 && System.nanoTime - copy.lastUsed >= idle.toNanos }
    unused.foreach { case (key, copy) =>
      copies.remove(key)
      copy.index.close()
      FileUtil.fullyDelete(copy.folder.toFile)
    }
  }

  private def make(published: PublishedIndex, method: SearchMethod, configuration: Configuration): Copy = {
    val directory = localDirectories.maxBy(_.toFile.getUsableSpace)
    val folder =
      try Files.createTempDirectory(directory, s"sparkvision-index-${published.manifest.build}-")
      catch { case e: IOException => throw notCopied(directory, published, method, e) }
    try {
      published.manifest.filesOf(method).foreach { case (name, digest) =>
        val (source, target) = (new HadoopPath(published.uri, name), folder.resolve(name))
        try if (copy(source, target, configuration) != digest) throw damaged(source)
        catch {
          case e: FileNotFoundException => throw missing(source, e)
          case _: ChecksumException => throw damaged(source)
          case e: IOException => throw notCopied(directory, published, method, e)
        }
      }
      new Copy(folder, SimilarityIndex.open(folder, published.manifest, method))
    } catch {
      case e: Throwable =>
        FileUtil.fullyDelete(folder.toFile)
        throw e
    }
  }
}

private[ml] object ExecutorIndexes {

  /** This executor's own. */
  lazy val shared = new ExecutorIndexes(LocalDirectories.all)

  final private case class Key(uri: String, build: String, method: SearchMethod)

  final private class Copy(val folder: Path, val index: SimilarityIndex) {
    var users = 0
    var lastUsed: Long = System.nanoTime
  }

  private def copy(source: HadoopPath, target: Path, configuration: Configuration): FileDigest = {
    Files.createDirectories(target.getParent)
    Using.resources(source.getFileSystem(configuration).open(source), Files.newOutputStream(target))(DigestedCopy(_, _))
  }

  private def damaged(file: HadoopPath) = new SimilarityIndexException(
    s"The similarity index is damaged: $file is not what was built. Build the index again with SimilarImages.build."
  )

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
