package sparkvision.engine.bundle

import java.nio.file.attribute.{BasicFileAttributes, FileTime}
import java.nio.file.{Files, Path}
import java.security.{DigestInputStream, MessageDigest}

import scala.collection.mutable
import scala.concurrent.duration._
import scala.util.Using

/** Hashes files, and remembers a hash for a while.
  *
  * On its way from a bundle to an open session a model is checked several times within seconds, and reading gigabytes takes
  * seconds. A file is not read again while the file system says that nobody has written to it; but only for so long,
  * because a disk that decays does not say so.
  *
  * @param remembered
  *   how long
  * @param nanoTime
  *   the clock
  */
final private[engine] class FileDigests(remembered: FiniteDuration, nanoTime: () => Long) {
  import FileDigests._

  private val known = mutable.Map[Stamp, Known]()

  def of(file: Path): FileDigest = {
    // Taken before the file is read, so that whoever writes to it meanwhile makes it another.
    val stamp = stampOf(file)
    remember(stamp).getOrElse {
      val began = nanoTime()
      val digest = read(file)
      if (stamp.identity != null) synchronized(known(stamp) = Known(digest, began))
      digest
    }
  }

  private def remember(stamp: Stamp): Option[FileDigest] = synchronized {
    known.filterInPlace((_, found) => nanoTime() - found.since < remembered.toNanos)
    known.get(stamp).map(_.digest)
  }
}

private[engine] object FileDigests {

  /** This process's own. */
  val shared = new FileDigests(1.minute, () => System.nanoTime)

  /** What changes when a file is written to or replaced, and stays when it is moved. File systems that have no identities
    * give null.
    */
  final private case class Stamp(identity: AnyRef, size: Long, modified: FileTime)

  /** @param since
    *   when the reading began, of the clock's nanoseconds
    */
  final private case class Known(digest: FileDigest, since: Long)

  private def stampOf(file: Path): Stamp = {
    val attributes = Files.readAttributes(file, classOf[BasicFileAttributes])
    Stamp(attributes.fileKey, attributes.size, attributes.lastModifiedTime)
  }

  private def read(file: Path): FileDigest = {
    val sha256 = MessageDigest.getInstance("SHA-256")
    Using.resource(new DigestInputStream(Files.newInputStream(file), sha256)) { in =>
      val buffer = new Array[Byte](1 << 20)
      while (in.read(buffer) >= 0) {}
    }
    FileDigest(BundleManifest.hex(sha256.digest()), Files.size(file))
  }
}
