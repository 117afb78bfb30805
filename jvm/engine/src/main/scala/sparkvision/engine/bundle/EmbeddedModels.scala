package sparkvision.engine.bundle

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path}

import scala.collection.mutable
import scala.util.Using

/** The models that ship inside the jar, addressed as `embedded:NAME`. */
object EmbeddedModels {
  val Scheme = "embedded:"
  val Default = "embedded:digits"

  /** The names of all models in the jar. */
  val names: Seq[String] = Seq(Default.stripPrefix(Scheme))

  def isEmbedded(uri: String): Boolean = uri.startsWith(Scheme)

  /** Copies the model `embedded:NAME` into an existing empty folder.
    *
    * @throws BundleException
    *   when the jar holds no such model
    */
  def copyTo(uri: String, folder: Path): Unit = {
    val root = s"/sparkvision/models/${uri.stripPrefix(Scheme)}/"
    val manifest = read(uri, root + BundleManifest.FileName)
    Files.write(folder.resolve(BundleManifest.FileName), manifest)
    BundleManifest.parse(new String(manifest, UTF_8), uri).files.keys.foreach { name =>
      val file = folder.resolve(name)
      Files.createDirectories(file.getParent)
      Files.write(file, read(uri, root + name))
    }
  }

  /** The folder of an embedded model, unpacked at the first call of this JVM, and gone with it.
    *
    * @throws BundleException
    *   when the jar holds no such model
    */
  private[engine] def unpacked(uri: String): Path = synchronized {
    // A machine that sweeps its temporary folders may have taken it.
    unpackedFolders.get(uri).filter(folder => Files.exists(folder.resolve(BundleManifest.FileName))).getOrElse {
      val folder = Files.createTempDirectory(Files.createDirectories(temporary), "model")
      copyTo(uri, folder)
      unpackedFolders(uri) = folder
      folder
    }
  }

  private val unpackedFolders = mutable.Map[String, Path]()

  private lazy val temporary: Path = {
    val folder = Files.createTempDirectory("sparkvision")
    sys.addShutdownHook(deleteRecursively(folder))
    folder
  }

  private def deleteRecursively(folder: Path): Unit = if (Files.exists(folder))
    Using.resource(Files.walk(folder)) { files =>
      files.sorted(java.util.Comparator.reverseOrder[Path]).forEach(file => Files.delete(file))
    }

  private def read(uri: String, resource: String): Array[Byte] = {
    val in = getClass.getResourceAsStream(resource)
    if (in == null) throw new BundleException(s"There is no embedded model '$uri'; this jar holds $Default.")
    Using.resource(in)(_.readAllBytes())
  }
}
