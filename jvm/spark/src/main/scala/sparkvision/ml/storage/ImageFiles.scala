package sparkvision.ml.storage

import java.io.{FileNotFoundException, IOException}
import java.nio.file.attribute.BasicFileAttributes
import java.nio.file.{AccessDeniedException, Files, InvalidPathException, LinkOption, NoSuchFileException, Path}

import scala.collection.mutable
import scala.jdk.CollectionConverters._
import scala.util.Using

import org.apache.hadoop.fs.{FileStatus, FileSystem, Path => HadoopPath}
import org.apache.spark.network.util.JavaUtils
import org.apache.spark.sql.types.{StringType, StructField, StructType}
import org.apache.spark.sql.{DataFrame, Row, SparkSession}

import sparkvision.image.ParameterException

/** The files of a folder and its sub-folders as a table of paths, with a row for every file. Stages read the files in the
  * executors, and report the reason for each file that is not an image.
  *
  * Spark's `binaryFile` source returns fewer rows: it omits empty files and names that begin with `_` or `.`, and it
  * interprets brackets in the name of the folder as a pattern.
  */
final private[ml] class ImageFiles private (files: Array[ImageFiles.Entry], spark: SparkSession) {
  import ImageFiles._

  def count: Long = files.length.toLong

  /** The sorted paths in the column `path`, in the form that `binaryFile` uses. A task gets neighbouring files, as many as
    * Spark's settings for file sources allow.
    */
  def table: DataFrame = {
    val tasks = packed(taskBytes).map(_.map(_.path).toArray)
    val rows = spark.sparkContext.parallelize(tasks, math.max(1, tasks.length)).flatMap(_.toSeq).map(Row(_))
    spark.createDataFrame(rows, Schema)
  }

  /** As in Spark's own file sources: less than the setting if there would be fewer tasks than cores. For millions of files
    * a task gets more, because the driver keeps information about every task.
    */
  private def taskBytes: Long = {
    val total = files.iterator.map(cost).sum
    val fair = math.min(setting("spark.sql.files.maxPartitionBytes"), total / spark.sparkContext.defaultParallelism)
    math.max(fair, total / MostTasks)
  }

  private def packed(most: Long): Seq[Seq[Entry]] = {
    val packs = mutable.ArrayBuffer[mutable.ArrayBuffer[Entry]]()
    var room = -1L
    files.foreach { file =>
      if (cost(file) > room) {
        packs += mutable.ArrayBuffer[Entry]()
        room = most
      }
      packs.last += file
      room -= cost(file)
    }
    packs.toSeq.map(_.toSeq)
  }

  /** The cost of a file as Spark estimates it: its bytes, and the bytes that could be read while the file is opened. */
  private def cost(file: Entry): Long = file.bytes + openingCost

  private lazy val openingCost = setting("spark.sql.files.openCostInBytes")

  private def setting(name: String): Long = JavaUtils.byteStringAsBytes(spark.conf.get(name))
}

private[ml] object ImageFiles {

  final private case class Entry(path: String, bytes: Long)

  /** Each task takes a few kilobytes on the driver, and this many are enough to show progress. */
  private val MostTasks = 10000

  private val PatternCharacters = "*?[{"

  private val Schema = StructType(Seq(StructField("path", StringType, nullable = false)))

  /** Lists a folder, on the driver. If there is no folder or file of this name, the name may be a pattern of folders and
    * files, such as `s3a://lake/2024-*`.
    *
    * @param folder
    *   the path or URI of a folder or of one file
    * @throws ParameterException
    *   when the folder does not exist, has no files or cannot be listed, or when Hadoop knows no such file system
    */
  def list(folder: String, spark: SparkSession): ImageFiles = {
    val (fileSystem, path) = FileSystems.locate(folder, spark)
    val files =
      try roots(fileSystem, path).flatMap(entries(fileSystem, _)).sortBy(_.path)
      catch {
        case e: AccessDeniedException => throw refused(folder, s"no permission to list ${e.getFile}", e)
        case e: InvalidPathException =>
          val characters = System.getProperty("sun.jnu.encoding")
          throw refused(folder, s"${e.getMessage}: Java uses $characters for names here; set LC_ALL=C.UTF-8", e)
        case e: IOException => throw refused(folder, Option(e.getMessage).getOrElse(e.toString), e)
      }
    if (files.isEmpty) throw new ParameterException(s"$folder holds no files; give a folder of images")
    new ImageFiles(files, spark)
  }

  private def roots(fileSystem: FileSystem, path: HadoopPath): Array[FileStatus] =
    try Array(fileSystem.getFileStatus(path))
    catch {
      case e: FileNotFoundException =>
        // Null or empty when nothing matches.
        val matching = if (path.toString.exists(PatternCharacters.contains(_))) fileSystem.globStatus(path) else null
        Option(matching).filter(_.nonEmpty).getOrElse {
          throw new ParameterException(s"$path: there is no such folder or file; give a folder of images", e)
        }
    }

  private def entries(fileSystem: FileSystem, root: FileStatus): Iterable[Entry] =
    if (root.isFile) Seq(Entry(root.getPath.toString, root.getLen))
    else if (fileSystem.getUri.getScheme == "file")
      // Not Path.toUri, which accesses every file once more.
      LocalFiles.below(Path.of(root.getPath.toUri.getPath)).map { case (file, size) => Entry(s"file:$file", size) }
    else {
      val found = mutable.ArrayBuffer[Entry]()
      val files = fileSystem.listFiles(root.getPath, true)
      while (files.hasNext) {
        val file = files.next()
        found += Entry(file.getPath.toString, file.getLen)
      }
      found
    }

  private def refused(folder: String, reason: String, cause: Exception) =
    new ParameterException(s"$folder cannot be listed: $reason", cause)
}

/** All files below a folder on the disks of this machine, whatever their names.
  *
  * Hadoop's listing of a local disk omits names that end in `.crc`, and every name that it cannot look up: dangling links,
  * and names in another character set than that of this process.
  *
  * Links are followed. Each folder is listed once, however many links lead to it, so that cycles of links end and links
  * across many folders do not multiply the files: under its own path if that lies below the root, or else under the first
  * link. Pipes, sockets and devices are omitted.
  */
private[ml] object LocalFiles {

  /** The files with their sizes in bytes, in no particular order. A dangling link has the size 0.
    *
    * @throws IOException
    *   when a folder cannot be listed
    */
  def below(root: Path): Iterable[(Path, Long)] = {
    val walk = new Walk
    walk.from(root)
    walk.files
  }

  final private class Walk {
    val files = mutable.ArrayBuffer[(Path, Long)]()
    private val listed = mutable.Set[AnyRef]()
    // Followed after all real folders, whose own paths have priority.
    private val linkedFolders = mutable.Queue[Path]()

    def from(root: Path): Unit = {
      linkedFolders += root
      while (linkedFolders.nonEmpty) realFolders(linkedFolders.dequeue())
    }

    private def realFolders(first: Path): Unit = {
      val pending = mutable.Stack(first)
      while (pending.nonEmpty) {
        val folder = pending.pop()
        ifThere(if (listed.add(identity(folder))) entries(folder).foreach(entry => ifThere(add(entry, pending))))
      }
    }

    private def add(entry: Path, pending: mutable.Stack[Path]): Unit = {
      val own = Files.readAttributes(entry, classOf[BasicFileAttributes], LinkOption.NOFOLLOW_LINKS)
      if (own.isDirectory) pending.push(entry)
      else if (own.isRegularFile) files += entry -> own.size
      else if (own.isSymbolicLink) addLink(entry)
    }

    private def addLink(link: Path): Unit =
      try {
        val target = Files.readAttributes(link, classOf[BasicFileAttributes])
        if (target.isDirectory) linkedFolders += link
        else if (target.isRegularFile) files += link -> target.size
      } catch { case _: IOException => files += link -> 0L }

    /** Sorted by name, so that of several links to a folder the same link is followed every time. */
    private def entries(folder: Path): Seq[Path] =
      Using.resource(Files.list(folder))(_.iterator.asScala.toVector.sorted)

    /** Another process may delete files in the meantime, such as the temporary files of a table that is written. */
    private def ifThere(look: => Unit): Unit =
      try look
      catch { case _: NoSuchFileException => () }

    private def identity(folder: Path): AnyRef =
      Option(Files.readAttributes(folder, classOf[BasicFileAttributes]).fileKey).getOrElse(folder.toRealPath())
  }
}
