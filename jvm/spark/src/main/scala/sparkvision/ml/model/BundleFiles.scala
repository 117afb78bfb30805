package sparkvision.ml.model

import java.io.{FileNotFoundException, IOException}
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path}

import scala.util.Using

import org.apache.hadoop.fs.{ChecksumException, FileSystem, Path => HadoopPath, UnsupportedFileSystemException}
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{BundleException, BundleManifest, EmbeddedModels, ModelBundle, OnnxGraph}
import sparkvision.image.ParameterException
import sparkvision.ml.storage.FileSystems

/** Reads and writes the files of bundles on any file system that Hadoop knows. */
private[ml] object BundleFiles {

  /** The manifest of the bundle at `uri`, and the hash of the bundle that the manifest describes. No other file is read.
    *
    * @return
    *   None for an embedded model, and for a folder without a manifest
    * @throws ParameterException
    *   when `uri` is not a path or URI
    * @throws BundleException
    *   when the manifest cannot be read or is invalid
    */
  def manifest(uri: String, spark: SparkSession): Option[(BundleManifest, String)] =
    if (EmbeddedModels.isEmbedded(uri)) None
    else
      reading(uri) {
        val (fileSystem, root) = locate(uri, spark)
        val file = new HadoopPath(root, BundleManifest.FileName)
        Option.when(fileSystem.exists(file)) {
          val json = Using.resource(fileSystem.open(file))(_.readAllBytes())
          val manifest = BundleManifest.parse(new String(json, UTF_8), uri)
          manifest -> BundleManifest.bundleHash(manifest, json)
        }
      }

  /** Copies a bundle's files, and no others, from `uri` into a local folder.
    *
    * @throws ParameterException
    *   when there is no such folder, or `uri` is not a path or URI
    * @throws BundleException
    *   when the folder is no bundle, or it cannot be read
    */
  def fetch(uri: String, folder: Path, spark: SparkSession): Unit =
    if (EmbeddedModels.isEmbedded(uri)) EmbeddedModels.copyTo(uri, folder)
    else
      reading(uri) {
        val (fileSystem, root) = locate(uri, spark)
        new BundleFetch(fileSystem, root, folder).run()
      }

  /** Copies a bundle's files to `target`, the manifest last: a bundle that has a manifest is complete. */
  def write(bundle: ModelBundle, target: HadoopPath, fileSystem: FileSystem): Unit =
    bundle.fileNames.foreach { name =>
      fileSystem.copyFromLocalFile(new HadoopPath(bundle.folder.resolve(name).toUri), new HadoopPath(target, name))
    }

  private def reading[A](uri: String)(work: => A): A =
    try work
    catch {
      case e: FileNotFoundException =>
        throw new BundleException(
          s"The folder $uri is not a complete model bundle (${e.getMessage}). A bundle is a folder with model.onnx, assets/ " +
            "and sparkvision.json; `sparkvision export CHECKPOINT FOLDER` makes one.",
          e
        )
      case e: ChecksumException =>
        throw new BundleException(
          s"The model bundle at $uri is damaged: ${e.getMessage}. Copy or export the bundle again.",
          e
        )
      case e: UnsupportedFileSystemException =>
        throw new BundleException(s"The model bundle at $uri cannot be read. ${e.getMessage}", e)
      case e: IOException => throw new BundleException(s"The model bundle at $uri cannot be read: $e.", e)
    }

  /** The file system and the folder of a bundle.
    *
    * @throws ParameterException
    *   when `uri` is not a path or URI
    */
  def locate(uri: String, spark: SparkSession): (FileSystem, HadoopPath) =
    try {
      val root = new HadoopPath(uri)
      (FileSystems.of(root, spark), root)
    } catch {
      case e: IllegalArgumentException =>
        throw new ParameterException(s"modelPath '$uri' is not a path or URI (${e.getMessage}).", e)
    }
}

/** Copies one bundle from a Hadoop file system. */
final private class BundleFetch(fileSystem: FileSystem, root: HadoopPath, folder: Path) {

  def run(): Unit = {
    if (!fileSystem.exists(root))
      throw new ParameterException(
        s"There is no model bundle at $root (there is no such folder). A bundle is a folder with model.onnx, assets/ and " +
          "sparkvision.json; `sparkvision export CHECKPOINT FOLDER` makes one."
      )
    val manifest = new HadoopPath(root, BundleManifest.FileName)
    if (fileSystem.exists(manifest)) {
      val json = Using.resource(fileSystem.open(manifest))(_.readAllBytes())
      Files.write(folder.resolve(BundleManifest.FileName), json)
      BundleManifest.parse(new String(json, UTF_8), root.toString).files.keys.foreach(copy)
    } else sparkNlpLayout()
  }

  /** Copies a folder without a manifest. The graph names the other files that it needs. */
  private def sparkNlpLayout(): Unit = {
    copy(BundleManifest.GraphFile)
    Seq(ModelBundle.LabelsFile, ModelBundle.ProcessorFile).foreach(copy)
    OnnxGraph.read(folder.resolve(BundleManifest.GraphFile)).externalData.foreach { name =>
      BundleManifest.requireInside(name, root.toString)
      copy(name)
    }
  }

  private def copy(name: String): Unit = {
    requireNoLinkOutside(name)
    val target = folder.resolve(name)
    Files.createDirectories(target.getParent)
    // With the raw local file system, which writes no .crc files.
    fileSystem.copyToLocalFile(false, new HadoopPath(root, name), new HadoopPath(target.toUri), true)
  }

  /** Copying follows links, with which a bundle could expose other files of the driver. */
  private def requireNoLinkOutside(name: String): Unit =
    if (fileSystem.getUri.getScheme == "file") {
      val local = Path.of(fileSystem.makeQualified(root).toUri)
      val file = local.resolve(name)
      if (Files.exists(file) && !file.toRealPath().startsWith(local.toRealPath()))
        throw new BundleException(s"The bundle's file $file is a link to a place outside the bundle, which is refused.")
    }
}
