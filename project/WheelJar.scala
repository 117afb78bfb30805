import java.io.{BufferedOutputStream, FileOutputStream}
import java.time.LocalDateTime
import java.util.jar.{Attributes, JarFile, Manifest}
import java.util.zip.{ZipEntry, ZipFile, ZipOutputStream}

import scala.collection.JavaConverters.*
import scala.collection.immutable.SortedMap

import sbt.*

/** A jar made of other jars and folders. The same inputs give the same bytes: entries are sorted and carry one fixed time.
  *
  * @param sources
  *   jars and folders; where two hold the same entry the first one's is taken
  * @param keep
  *   which entries are wanted, by name
  */
final case class WheelJar(file: File, sources: Seq[File], keep: String => Boolean) {

  def write(licence: File, version: String): Unit = {
    val own = SortedMap("META-INF/LICENSE" -> IO.readBytes(licence))
    val entries = sources.reverse.foldLeft(own)((all, source) => all ++ entriesOf(source))
    IO.createDirectory(file.getParentFile)
    // Written beside and then renamed, so that an interrupted build leaves no half a jar.
    val unfinished = file.getParentFile / s".${file.getName}.part"
    val zip = new ZipOutputStream(new BufferedOutputStream(new FileOutputStream(unfinished)))
    try {
      put(zip, JarFile.MANIFEST_NAME, manifest(version, entries.keys.exists(_.startsWith("META-INF/versions/"))))
      entries.foreach { case (name, bytes) => put(zip, name, bytes) }
    } finally zip.close()
    IO.move(unfinished, file)
  }

  private def entriesOf(source: File): Seq[(String, Array[Byte])] = {
    val all = if (source.getName.endsWith(".jar")) inJar(source) else inFolder(source)
    all.filter { case (name, _) => name != JarFile.MANIFEST_NAME && keep(name) }
  }

  private def inFolder(folder: File): Seq[(String, Array[Byte])] =
    (folder ** "*").get.filter(_.isFile).map { path =>
      IO.relativize(folder, path).get.replace('\\', '/') -> IO.readBytes(path)
    }

  private def inJar(jar: File): Seq[(String, Array[Byte])] = {
    val zip = new ZipFile(jar)
    try
      zip.entries.asScala
        .filter(entry => !entry.isDirectory && keep(entry.getName))
        .map(entry => entry.getName -> zip.getInputStream(entry).readAllBytes())
        .toList
    finally zip.close()
  }

  /** @param multiRelease
    *   whether there are classes for newer Javas, which are found only when the manifest says so
    */
  private def manifest(version: String, multiRelease: Boolean): Array[Byte] = {
    val manifest = new Manifest
    manifest.getMainAttributes.put(Attributes.Name.MANIFEST_VERSION, "1.0")
    manifest.getMainAttributes.put(Attributes.Name.IMPLEMENTATION_TITLE, "SparkVision")
    manifest.getMainAttributes.put(Attributes.Name.IMPLEMENTATION_VERSION, version)
    if (multiRelease) manifest.getMainAttributes.put(Attributes.Name.MULTI_RELEASE, "true")
    val bytes = new java.io.ByteArrayOutputStream
    manifest.write(bytes)
    bytes.toByteArray
  }

  private def put(zip: ZipOutputStream, name: String, bytes: Array[Byte]): Unit = {
    val entry = new ZipEntry(name)
    // The earliest time a zip can hold; a local time, so that no time zone leaks in.
    entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0))
    zip.putNextEntry(entry)
    zip.write(bytes)
    zip.closeEntry()
  }
}
