package sparkvision.ml.storage

import java.io.IOException
import java.nio.file.attribute.BasicFileAttributes
import java.nio.file.{Files, LinkOption, NoSuchFileException, Path}

import scala.collection.mutable
import scala.jdk.CollectionConverters._
import scala.util.Using

/** All files below a folder on this machine's disks, whatever their names are.
  *
  * Hadoop's own listing of a local disk leaves out names that end in `.crc`, and every name that it cannot look up: links
  * that lead nowhere, and names in another character set than this process's.
  *
  * Links are followed. Each folder is listed once, however many links lead to it, so that links which form a circle end, and
  * links across many folders do not multiply the files: under its own path if that lies below the root, else under the first
  * link. Pipes, sockets and devices are no files.
  */
private[ml] object LocalFiles {

  /** The files with their sizes in bytes, in no order. A link that leads nowhere has none.
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
    // Followed after all real folders, whose own paths are to win.
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

    /** By name, so that of several links to a folder the same one is followed every time. */
    private def entries(folder: Path): Seq[Path] =
      Using.resource(Files.list(folder))(_.iterator.asScala.toVector.sorted)

    /** Another process may delete files meanwhile, as what writes a table does with its temporary ones. */
    private def ifThere(look: => Unit): Unit =
      try look
      catch { case _: NoSuchFileException => () }

    private def identity(folder: Path): AnyRef =
      Option(Files.readAttributes(folder, classOf[BasicFileAttributes]).fileKey).getOrElse(folder.toRealPath())
  }
}
