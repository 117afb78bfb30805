package sparkvision.ml.model

import java.io.{FileNotFoundException, IOException}
import java.nio.file.Files

import scala.math.Ordering.Implicits._
import scala.util.Using

import org.apache.hadoop.fs.{FileSystem, Path => HadoopPath, UnsupportedFileSystemException}
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{BundleException, BundleManifest, ModelBundle}
import sparkvision.image.ParameterException
import sparkvision.ml.storage.FileSystems

/** A folder of models, on any file system that Hadoop reads: `HOME/NAME/VERSION/` holds a bundle.
  *
  * The manifest is written last, and a folder without a manifest is not a bundle: readers see a complete bundle or none,
  * also on object stores, where folders cannot be renamed atomically. Other folders in a home, such as the bundles that
  * Spark Connect clients upload, are not models.
  */
final private[ml] class ModelHome(val uri: String, spark: SparkSession) {

  private lazy val root = new HadoopPath(uri)

  private lazy val fileSystem: FileSystem = FileSystems.of(root, spark)

  /** The versions of a model, oldest first. */
  def versions(name: String): Seq[String] = reading {
    folders(new HadoopPath(root, name)).filter(isBundle).map(_.getName).sorted(ModelName.byVersion)
  }

  /** The URI of the requested version of a model, or of the newest version. */
  def find(model: ModelName): Option[String] = {
    val found = versions(model.name)
    model.version
      .fold(found.lastOption)(asked => found.find(_ == asked))
      .map(version => folder(model.name, version).toString)
  }

  /** All models by name, the versions of a name from the oldest to the newest. */
  def models: Seq[ModelName] = reading {
    val plain = folders(root).filterNot(isBundle)
    val grouped = plain.flatMap(folders).filterNot(isBundle)
    (plain.map(_.getName) ++ grouped.map(path => s"${path.getParent.getName}/${path.getName}")).sorted
      .flatMap(name => versions(name).map(version => ModelName(name, Some(version))))
  }

  /** Copies a bundle to the home, completely or not at all, and returns its URI. Nothing is copied when the home has this
    * bundle under the name and version, or as the newest version if no version is given.
    *
    * @param model
    *   without a version: the next whole number
    * @throws BundleException
    *   when the version holds another bundle or something else, or the bundle cannot be written
    */
  def push(bundle: ModelBundle, model: ModelName): String = reading {
    val found = versions(model.name)
    val newest = found.lastOption.filter(version => holds(folder(model.name, version), bundle))
    val target = folder(model.name, model.version.orElse(newest).getOrElse(ModelHome.next(found)))
    if (isBundle(target) && !holds(target, bundle))
      throw new BundleException(
        s"$target holds another bundle, and a version is never replaced. Push with another version."
      )
    if (!isBundle(target)) {
      requireNothingElse(bundle, target)
      write(bundle, target)
    }
    target.toString
  }

  /** Refuses a folder with other files, which a failed push would delete. Leftovers of a failed push are allowed. */
  private def requireNothingElse(bundle: ModelBundle, target: HadoopPath): Unit = {
    val own = bundle.fileNames.map(name => name.takeWhile(_ != '/')).toSet
    val found =
      try fileSystem.listStatus(target).toSeq.map(_.getPath.getName)
      catch { case _: FileNotFoundException => Seq.empty }
    val foreign = found.filterNot(own).sorted
    if (foreign.nonEmpty)
      throw new BundleException(
        s"$target is not a bundle, and holds other files (${foreign.take(3).mkString(", ")}). Push with another name or " +
          "version."
      )
  }

  private def write(bundle: ModelBundle, target: HadoopPath): Unit =
    try BundleFiles.write(bundle, target, fileSystem)
    catch {
      case e: IOException =>
        try fileSystem.delete(target, true)
        catch { case again: IOException => e.addSuppressed(again) }
        throw new BundleException(s"The bundle ${bundle.folder} cannot be written to $target: $e.", e)
    }

  /** Whether `target` holds the bundle. Manifests are compared, which contain the hash of every file. */
  private def holds(target: HadoopPath, bundle: ModelBundle): Boolean = {
    val there = Using.resource(fileSystem.open(manifest(target)))(_.readAllBytes())
    java.util.Arrays.equals(there, Files.readAllBytes(bundle.folder.resolve(BundleManifest.FileName)))
  }

  private def folder(name: String, version: String) = new HadoopPath(new HadoopPath(root, name), version)

  private def manifest(folder: HadoopPath) = new HadoopPath(folder, BundleManifest.FileName)

  private def isBundle(folder: HadoopPath): Boolean = fileSystem.exists(manifest(folder))

  private def folders(parent: HadoopPath): Seq[HadoopPath] =
    try fileSystem.listStatus(parent).toSeq.filter(_.isDirectory).map(_.getPath)
    catch { case _: FileNotFoundException => Seq.empty }

  private def reading[A](work: => A): A =
    try work
    catch {
      case e: UnsupportedFileSystemException =>
        throw new BundleException(s"The model home $uri cannot be read. ${e.getMessage}", e)
      // Hadoop throws an IllegalArgumentException for an invalid URI and for an unknown host.
      case e @ (_: IOException | _: IllegalArgumentException) =>
        throw new BundleException(s"The model home $uri cannot be read: $e.", e)
    }
}

private[ml] object ModelHome {

  /** The integer after the largest one, or 1 if there is none. */
  private def next(versions: Seq[String]): String =
    (versions.filter(version => version.forall(_.isDigit)).map(BigInt(_)).maxOption.getOrElse(BigInt(0)) + 1).toString
}

/** A model's name and, if requested, its version: `my-vit`, `google/vit-base-patch16-224`, `my-vit:2`. */
final private[ml] case class ModelName(name: String, version: Option[String]) {
  override def toString: String = name + version.fold("")(":" + _)
}

private[ml] object ModelName {
  // No segment may begin with a dot, because such a name could lead out of the model home.
  private val Segment = "[A-Za-z0-9_][A-Za-z0-9._-]*"
  private val Pattern = s"($Segment(?:/$Segment)?)(?::($Segment))?".r

  /** @param text
    *   `NAME` or `NAME:VERSION`
    * @throws ParameterException
    *   when the text has neither form
    */
  def parse(text: String): ModelName = text match {
    case Pattern(name, version) => ModelName(name, Option(version))
    case _ =>
      throw new ParameterException(
        s"'$text' is not the name of a model. Use NAME, GROUP/NAME, NAME:VERSION or GROUP/NAME:VERSION, of letters, digits, " +
          "'.', '_' and '-', or load a bundle from its path with loadSavedModel."
      )
  }

  /** Versions from the oldest to the newest, compared part by part (parts end at `.`, `_` and `-`), numbers by their value:
    * 1.10 is newer than 1.9.
    */
  val byVersion: Ordering[String] = Ordering.by { version =>
    version.split("[._-]").toSeq.map { part =>
      if (part.nonEmpty && part.forall(_.isDigit)) (1, BigInt(part), "") else (0, BigInt(0), part)
    }
  }
}
