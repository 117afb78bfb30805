package sparkvision.engine.bundle

import java.nio.file.attribute.FileTime
import java.nio.file.{Files, Path}

import scala.concurrent.duration._

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.Fixtures

class FileDigestsSpec extends AnyFunSuite {
  private var now = 0L
  private def digests = new FileDigests(1.minute, () => now)

  private def file(content: String): Path = Files.writeString(Files.createTempFile("file", ""), content)
  private def sha256(content: String): FileDigest =
    FileDigest(Fixtures.sha256(content.getBytes), content.length.toLong)

  /** As a decaying disk does it: the file system notices nothing. */
  private def decay(file: Path, content: String): Unit = {
    val modified = Files.getLastModifiedTime(file)
    Files.writeString(file, content)
    val _ = Files.setLastModifiedTime(file, modified)
  }

  test("a file that is asked for again at once is not read again, also when it was moved") {
    val (hashes, original) = (digests, file("before"))
    assert(hashes.of(original) == sha256("before"))
    decay(original, "decays")
    assert(hashes.of(original) == sha256("before"))
    assert(
      hashes.of(Files.move(original, original.resolveSibling(original.getFileName.toString + ".moved"))) == sha256(
        "before"
      )
    )
  }

  test("a file is read again after a while, whatever the file system says") {
    val (hashes, original) = (digests, file("before"))
    hashes.of(original)
    decay(original, "decays")
    now += 1.minute.toNanos
    assert(hashes.of(original) == sha256("decays"))
  }

  test("a file that was written to is read again") {
    val (hashes, original) = (digests, file("before"))
    hashes.of(original)
    Files.setLastModifiedTime(Files.writeString(original, "behind"), FileTime.fromMillis(0))
    assert(hashes.of(original) == sha256("behind"))
  }

  test("another file in its place is read") {
    val (hashes, original) = (digests, file("before"))
    hashes.of(original)
    val other = file("behind")
    Files.setLastModifiedTime(other, Files.getLastModifiedTime(original))
    Files.move(other, original, java.nio.file.StandardCopyOption.REPLACE_EXISTING)
    assert(hashes.of(original) == sha256("behind"))
  }
}
