package sparkvision.engine.bundle

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path}

import scala.util.Using

/** The models that the jar contains, with the URI `embedded:NAME`. */
object EmbeddedModels {
  val Scheme = "embedded:"
  val Default = "embedded:digits"

  /** The names of all models in the jar. */
  val names: Seq[String] = Seq(Default.stripPrefix(Scheme))

  def isEmbedded(uri: String): Boolean = uri.startsWith(Scheme)

  /** Copies the model `embedded:NAME` into an existing empty folder.
    *
    * @throws BundleException
    *   when the jar has no such model
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

  private def read(uri: String, resource: String): Array[Byte] = {
    val in = getClass.getResourceAsStream(resource)
    if (in == null) throw new BundleException(s"There is no embedded model '$uri'; this jar contains $Default.")
    Using.resource(in)(_.readAllBytes())
  }
}
