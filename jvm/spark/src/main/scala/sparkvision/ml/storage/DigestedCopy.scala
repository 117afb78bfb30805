package sparkvision.ml.storage

import java.io.{InputStream, OutputStream}
import java.security.{DigestOutputStream, MessageDigest}
import java.util.HexFormat

import sparkvision.engine.bundle.FileDigest

/** Copies a file, and says what it was that went through. */
private[ml] object DigestedCopy {
  def apply(from: InputStream, to: OutputStream): FileDigest = {
    val sha256 = MessageDigest.getInstance("SHA-256")
    val size = from.transferTo(new DigestOutputStream(to, sha256))
    FileDigest(HexFormat.of.formatHex(sha256.digest()), size)
  }
}
