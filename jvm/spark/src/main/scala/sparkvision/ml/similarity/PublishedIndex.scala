package sparkvision.ml.similarity

import java.io.{FileNotFoundException, IOException, InputStream, OutputStream}
import java.nio.charset.StandardCharsets.UTF_8
import java.security.{DigestOutputStream, MessageDigest}
import java.util.HexFormat
import java.util.regex.Pattern

import scala.concurrent.duration._
import scala.util.{Try, Using}

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{FileContext, Options, Path => HadoopPath, UnsupportedFileSystemException}

import sparkvision.engine.bundle.FileDigest
import sparkvision.engine.similarity.{IndexManifest, SimilarityIndexException}
import sparkvision.image.ParameterException

/** A published index, as tasks refer to it. */
final private[ml] case class PublishedIndex(uri: String, manifest: IndexManifest)

/** The folder of an index that exists or is to be built.
  *
  * A build writes its shards to a new sub-folder, and the manifest last: searches read the old index or the new index, never
  * parts of both. The shards of the previous build are kept for running queries until the next build.
  *
  * @param uri
  *   any URI that Hadoop reads
  */
final private[ml] class IndexFolder(uri: String, configuration: Configuration) {

  private val (fileSystem, root) =
    try {
      val path = new HadoopPath(uri)
      val fileSystem = path.getFileSystem(configuration)
      (fileSystem, fileSystem.makeQualified(path))
    } catch {
      case e: IllegalArgumentException =>
        throw new ParameterException(s"indexPath '$uri' is not a path or URI (${e.getMessage}).", e)
      case e: IOException => throw new ParameterException(s"indexPath '$uri' cannot be reached: $e.", e)
    }

  private val manifestFile = new HadoopPath(root, IndexManifest.FileName)

  /** The URI with its scheme, which every executor interprets in the same way. */
  def qualified: String = root.toString

  def exists: Boolean = fileSystem.exists(manifestFile)

  /** Refuses a folder with other files than those of an index or of a failed build, because an index could not be told apart
    * from them later.
    *
    * @throws ParameterException
    *   with the names of these files
    */
  def requireOwn(): Unit = {
    val found =
      try fileSystem.listStatus(root).toSeq
      catch { case _: FileNotFoundException => Seq.empty }
    val foreign = found.filterNot(status => IndexFolder.isOwn(status.getPath.getName))
    if (found.exists(_.getPath == root))
      throw new ParameterException(s"$qualified is a file, not a folder of a similarity index. Name another folder.")
    if (foreign.nonEmpty && !exists)
      throw new ParameterException(
        s"The folder $qualified is not empty and holds no similarity index (no ${IndexManifest.FileName}), but " +
          s"${foreign.map(_.getPath.getName).sorted.take(3).mkString(", ")}. Name a new folder."
      )
  }

  /** @throws ParameterException
    *   when there is no such folder
    * @throws SimilarityIndexException
    *   when the folder is no index, or it cannot be read
    */
  def read(): PublishedIndex =
    try {
      val json = Using.resource(fileSystem.open(manifestFile))(_.readAllBytes())
      PublishedIndex(qualified, IndexManifest.parse(new String(json, UTF_8), qualified))
    } catch {
      case e: FileNotFoundException if !fileSystem.exists(root) =>
        throw new ParameterException(
          s"There is no similarity index at $qualified (there is no such folder). SimilarImages.build(df, indexPath) " +
            "creates an index.",
          e
        )
      case e: FileNotFoundException =>
        throw new SimilarityIndexException(
          s"There is no similarity index at $qualified: it holds no ${IndexManifest.FileName}. " +
            "SimilarImages.build(df, indexPath) creates an index.",
          e
        )
      case e: IOException =>
        throw new SimilarityIndexException(s"The similarity index $qualified cannot be read: $e.", e)
    }

  /** Makes a build the current index.
    *
    * @throws SimilarityIndexException
    *   when the manifest cannot be written
    */
  def publish(manifest: IndexManifest): Unit =
    try {
      write(unfinished(manifest.build), manifest.toJson)
      try
        FileContext
          .getFileContext(root.toUri, configuration)
          .rename(unfinished(manifest.build), manifestFile, Options.Rename.OVERWRITE)
      catch {
        // An object store without renames. There a file appears, complete, when it is closed.
        case _: UnsupportedFileSystemException =>
          write(manifestFile, manifest.toJson)
          val _ = fileSystem.delete(unfinished(manifest.build), false)
      }
    } catch {
      case e: IOException =>
        throw new SimilarityIndexException(s"The similarity index $manifestFile cannot be written: $e.", e)
    }

  private def unfinished(build: String) = new HadoopPath(root, s".${IndexManifest.FileName}.$build")

  /** Deletes the files of a build, unless it is the current index: publishing may have failed after it took effect. */
  def discard(build: String): Unit = if (!Try(read().manifest.build).toOption.contains(build)) {
    fileSystem.delete(unfinished(build), false)
    val _ = fileSystem.delete(new HadoopPath(root, IndexFolder.build(build)), true)
  }

  /** Deletes the shards of other builds whose driver died or whose manifest was damaged. Files that are less than a day old
    * may belong to a running build.
    */
  def discardAbandoned(named: Set[String]): Unit = {
    val yesterday = System.currentTimeMillis - 1.day.toMillis
    val kept = named.map(IndexFolder.build)
    fileSystem
      .listStatus(root)
      .map(_.getPath)
      .filter(folder => IndexFolder.isBuild(folder.getName) && !kept(folder.getName))
      .filter(newestFile(_) < yesterday)
      .foreach(fileSystem.delete(_, true))
  }

  /** The time in milliseconds at which the newest file was modified. Not every store has times of folders. */
  private def newestFile(folder: HadoopPath): Long = {
    val files = fileSystem.listFiles(folder, true)
    Iterator
      .continually(files)
      .takeWhile(_.hasNext)
      .map(_.next().getModificationTime)
      .maxOption
      .getOrElse(Long.MaxValue)
  }

  /** Deletes the shards of a build that its manifest does not contain, which tasks wrote that Spark ran twice. */
  def discardUnnamed(manifest: IndexManifest): Unit = {
    val named = manifest.shards.map(shard => new HadoopPath(root, shard.folder)).toSet
    fileSystem
      .listStatus(new HadoopPath(root, IndexFolder.build(manifest.build)))
      .map(_.getPath)
      .filterNot(named)
      .foreach(fileSystem.delete(_, true))
  }

  private def write(file: HadoopPath, text: String): Unit =
    Using.resource(fileSystem.create(file, true))(_.write(text.getBytes(UTF_8)))
}

private[ml] object IndexFolder {

  /** The folder of a build's shards, relative to the index. */
  def build(id: String): String = s"build-$id"

  private val id = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}" // java.util.UUID
  private val builds = build(id).r
  private val unfinished = s"\\.${Pattern.quote(IndexManifest.FileName)}\\.$id".r

  /** Whether the whole name of a folder is that of a build. */
  private def isBuild(name: String): Boolean = builds.matches(name)

  /** Whether a build writes files and folders of this name. */
  private def isOwn(name: String): Boolean =
    name == IndexManifest.FileName || isBuild(name) || unfinished.matches(name)
}

/** Copies a file, and returns the size and hash of what was copied. */
private[similarity] object DigestedCopy {
  def apply(from: InputStream, to: OutputStream): FileDigest = {
    val sha256 = MessageDigest.getInstance("SHA-256")
    val size = from.transferTo(new DigestOutputStream(to, sha256))
    FileDigest(HexFormat.of.formatHex(sha256.digest()), size)
  }
}
