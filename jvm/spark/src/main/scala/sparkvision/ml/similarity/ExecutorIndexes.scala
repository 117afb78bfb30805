package sparkvision.ml.similarity

import java.io.{FileNotFoundException, IOException}
import java.nio.file.{Files, Path}

import scala.collection.mutable
import scala.concurrent.duration._
import scala.util.Using

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{ChecksumException, FileUtil, Path => HadoopPath}
import org.apache.spark.sparkvision.LocalDirectories

import sparkvision.engine.bundle.FileDigest
import sparkvision.engine.similarity.{SearchMethod, SimilarityIndex, SimilarityIndexException}

/** An executor's copies of similarity indexes, mapped into memory and shared by its tasks: each is made once, and checked
  * against the manifest, while the others are searched. When another one is made, those that have long been unused are
  * deleted.
  *
  * @param localDirectories
  *   where copies may lie; the one with the most room is taken
  * @param idle
  *   how long an unused copy is kept at least
  */
final private[ml] class ExecutorIndexes(localDirectories: => Seq[Path], idle: FiniteDuration = 5.minutes) {
  import ExecutorIndexes._

  private val copies = mutable.Map[Key, Copy]()

  /** This executor's copy, made at the first call. Whoever has it releases it.
    *
    * @throws SimilarityIndexException
    *   when the index cannot be read or is damaged, or no local directory takes it
    */
  def acquire(published: PublishedIndex, method: SearchMethod, configuration: Configuration): SimilarityIndex = {
    val (copy, unused) = claim(Key.of(published, method))
    try {
      unused.foreach(_.delete())
      copy.index(make(published, method, configuration))
    } catch {
      case e: Throwable =>
        release(published, method)
        throw e
    }
  }

  def release(published: PublishedIndex, method: SearchMethod): Unit = synchronized {
    val copy = copies(Key.of(published, method))
    copy.users -= 1
    copy.lastUsed = System.nanoTime
  }

  /** The copy, which may have to be made yet, and those that are to be deleted before. */
  private def claim(key: Key): (Copy, Iterable[Copy]) = synchronized {
    def isUnused(copy: Copy) = copy.users == 0 && System.nanoTime - copy.lastUsed >= idle.toNanos
    val unused = if (copies.contains(key)) Map.empty[Key, Copy] else copies.toMap.filter(one => isUnused(one._2))
    copies --= unused.keys
    val copy = copies.getOrElseUpdate(key, new Copy)
    copy.users += 1
    (copy, unused.values)
  }

  private def make(published: PublishedIndex, method: SearchMethod, configuration: Configuration): Opened = {
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
      Opened(folder, SimilarityIndex.open(folder, published.manifest, method))
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

  private object Key {
    def of(published: PublishedIndex, method: SearchMethod): Key =
      Key(published.uri, published.manifest.build, method)
  }

  final private case class Opened(folder: Path, index: SimilarityIndex)

  /** The first task makes it, and others that want the same one wait. A failure is thrown to who asked, and the next one
    * tries again.
    */
  final private class Copy {
    private var opened: Option[Opened] = None
    var users = 0
    var lastUsed: Long = System.nanoTime

    def index(make: => Opened): SimilarityIndex = synchronized {
      val made = opened.getOrElse(make)
      opened = Some(made)
      made.index
    }

    def delete(): Unit = synchronized(opened.foreach { made =>
      made.index.close()
      FileUtil.fullyDelete(made.folder.toFile)
    })
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
