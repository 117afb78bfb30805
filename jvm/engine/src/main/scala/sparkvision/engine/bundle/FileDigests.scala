package sparkvision.engine.bundle

import java.nio.file.attribute.{BasicFileAttributes, FileTime}
import java.nio.file.{Files, Path}
import java.security.{DigestInputStream, MessageDigest}

import scala.collection.mutable
import scala.concurrent.duration._
import scala.util.Using

/** Hashes files, and remembers each hash for a while.
  *
  * Between the opening of a bundle and the opening of its session, a model is checked several times within seconds, and
  * reading gigabytes takes seconds. A file is not read again while the file system reports no change of it. The hash
  * expires nevertheless, because the file system does not report a failing disk.
  *
  * @param remembered
  *   how long a hash is remembered
  * @param nanoTime
  *   the clock
  */
final private[sparkvision] class FileDigests(
    remembered: FiniteDuration = 1.minute,
    nanoTime: () => Long = () => System.nanoTime
) {
  import FileDigests._

  private val known = mutable.Map[Stamp, Known]()

  def of(file: Path): FileDigest = {
    // Taken before the file is read, so that a concurrent write makes the stamp outdated.
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

private object FileDigests {

  /** Changes when a file is written to or replaced, and does not change when the file is moved. The identity is null on file
    * systems that have none.
    */
  final private case class Stamp(identity: AnyRef, size: Long, modified: FileTime)

  /** @param since
    *   when reading began, by the clock
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
