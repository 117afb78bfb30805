package sparkvision.ml.model

import java.io.{FileNotFoundException, IOException}
import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Path, StandardCopyOption}

import scala.collection.mutable
import scala.jdk.CollectionConverters._
import scala.util.Using

import org.apache.hadoop.fs.{
  ChecksumException,
  FileSystem,
  FileUtil,
  Path => HadoopPath,
  UnsupportedFileSystemException
}
import org.apache.spark.scheduler.{SparkListener, SparkListenerApplicationEnd}
import org.apache.spark.sparkvision.LocalDirectories
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{BundleException, BundleManifest, EmbeddedModels, ModelBundle, OnnxGraph}
import sparkvision.ml.storage.FileSystems

/** The driver's own copy of every bundle it has used, by content, in the application's local directory.
  *
  * Saving and distributing read from it: a bundle may be deleted or overwritten at its source (`load(p)` then
  * `write.overwrite.save(p)` deletes p before it saves) and the stage still has its model.
  */
private[ml] object ModelStore {

  /** What one application has stored. `origins` are the pairs of URI and hash that were read; `latest` remembers, for
    * stages that know only a path, what lay there when.
    */
  final private class Store(val folder: Path) {
    val byHash = mutable.Map[String, ModelBundle]()
    val origins = mutable.Set[(String, String)]()
    val latest = mutable.Map[String, (Long, String)]()
  }

  private val stores = mutable.Map[String, Store]()

  /** The bundle that lies at `uri` here and now, copied and checked.
    *
    * @throws BundleException
    *   when there is no bundle, or it is damaged
    */
  def read(uri: String, spark: SparkSession): ModelBundle = synchronized {
    val store = storeOf(spark)
    val stamp = modificationTime(uri, spark)
    val bundle = add(store, uri, spark)
    store.latest(uri) = (stamp.getOrElse(0L), bundle.bundleHash)
    store.origins += uri -> bundle.bundleHash
    bundle
  }

  /** The bundle of a stage, from the store where it can be.
    *
    * @param bundleHash
    *   the content it must have; once it was read from `uri`, what became of `uri` is of no matter
    * @throws BundleException
    *   when there is no bundle, it is damaged, or it is another one
    */
  def resolve(uri: String, bundleHash: Option[String], spark: SparkSession): ModelBundle = synchronized {
    val store = storeOf(spark)
    bundleHash.filter(hash => store.origins(uri -> hash)).map(store.byHash).getOrElse {
      val bundle = current(store, uri, spark)
      bundleHash.foreach(requireHash(bundle, _, uri))
      bundle
    }
  }

  /** @throws BundleException
    *   when the bundle found at `uri` is not the one that was there before
    */
  def requireHash(found: ModelBundle, expected: String, uri: String): Unit =
    if (found.bundleHash != expected)
      throw new BundleException(
        s"The bundle at $uri has the hash ${found.bundleHash}, but this stage was made with $expected. Somebody has " +
          "replaced it: load it anew with loadSavedModel, or restore it."
      )

  /** The folders of this application's store. */
  private[ml] def folders(spark: SparkSession): Set[Path] = synchronized {
    Using.resource(Files.list(storeOf(spark).folder))(_.iterator.asScala.toSet)
  }

  private def storeOf(spark: SparkSession): Store = {
    val context = spark.sparkContext
    stores.getOrElseUpdate(
      context.applicationId, {
        context.addSparkListener(new SparkListener {
          override def onApplicationEnd(end: SparkListenerApplicationEnd): Unit =
            ModelStore.synchronized { val _ = stores.remove(context.applicationId) }
        })
        new Store(LocalDirectories.create("sparkvision-models"))
      }
    )
  }

  /** What lies at `uri` now; the last copy of it while it has not changed, or can no longer be read. */
  private def current(store: Store, uri: String, spark: SparkSession): ModelBundle = {
    val stamp = modificationTime(uri, spark)
    store.latest.get(uri).filter { case (known, _) => stamp.forall(_ == known) } match {
      case Some((_, hash)) => store.byHash(hash)
      case None => read(uri, spark)
    }
  }

  private def modificationTime(uri: String, spark: SparkSession): Option[Long] =
    if (EmbeddedModels.isEmbedded(uri)) Some(0L)
    else
      try {
        val (fileSystem, root) = locate(uri, spark)
        Seq(BundleManifest.FileName, BundleManifest.GraphFile)
          .map(new HadoopPath(root, _))
          .find(fileSystem.exists)
          .map(fileSystem.getFileStatus(_).getModificationTime)
      } catch { case _: IOException => None }

  private def add(store: Store, uri: String, spark: SparkSession): ModelBundle = {
    val incoming = Files.createTempDirectory(store.folder, "incoming")
    try {
      fetch(uri, incoming, spark)
      val fetched = ModelBundle.open(incoming)
      store.byHash.getOrElseUpdate(
        fetched.bundleHash,
        fetched.movedTo(
          Files.move(incoming, store.folder.resolve(fetched.bundleHash), StandardCopyOption.ATOMIC_MOVE)
        )
      )
    } catch {
      // The user knows the bundle by its URI, not by our copy's place.
      case e: BundleException => throw new BundleException(e.getMessage.replace(incoming.toString, uri), e)
    } finally if (Files.exists(incoming)) { val _ = FileUtil.fullyDelete(incoming.toFile) }
  }

  /** Copies a bundle's files, and no others, from `uri` into a local folder. */
  private def fetch(uri: String, folder: Path, spark: SparkSession): Unit =
    if (EmbeddedModels.isEmbedded(uri)) EmbeddedModels.copyTo(uri, folder)
    else
      try {
        val (fileSystem, root) = locate(uri, spark)
        new BundleFetch(fileSystem, root, folder).run()
      } catch {
        case e: FileNotFoundException =>
          throw new BundleException(
            s"There is no model bundle at $uri (${e.getMessage}). A bundle is a folder with model.onnx, assets/ and " +
              "sparkvision.json; `sparkvision export CHECKPOINT FOLDER` makes one.",
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

  private def locate(uri: String, spark: SparkSession): (FileSystem, HadoopPath) =
    try {
      val root = new HadoopPath(uri)
      (FileSystems.of(root, spark), root)
    } catch {
      case e: IllegalArgumentException =>
        throw new BundleException(s"modelPath '$uri' is not a path or URI (${e.getMessage}).", e)
    }
}

/** Copies one bundle from a Hadoop file system. */
final private class BundleFetch(fileSystem: FileSystem, root: HadoopPath, folder: Path) {

  def run(): Unit = {
    if (!fileSystem.exists(root)) throw new FileNotFoundException("there is no such folder")
    val manifest = new HadoopPath(root, BundleManifest.FileName)
    if (fileSystem.exists(manifest)) {
      val json = Using.resource(fileSystem.open(manifest))(_.readAllBytes())
      Files.write(folder.resolve(BundleManifest.FileName), json)
      BundleManifest.parse(new String(json, UTF_8), root.toString).files.keys.foreach(copy)
    } else sparkNlpLayout()
  }

  /** A folder without a manifest: the graph says which other files it needs. */
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
    // The raw local file system: no .crc files beside the copies.
    fileSystem.copyToLocalFile(false, new HadoopPath(root, name), new HadoopPath(target.toUri), true)
  }

  /** Copying follows links, so that a bundle could show what lies elsewhere on the driver. */
  private def requireNoLinkOutside(name: String): Unit =
    if (fileSystem.getUri.getScheme == "file") {
      val local = Path.of(fileSystem.makeQualified(root).toUri)
      val file = local.resolve(name)
      if (Files.exists(file) && !file.toRealPath().startsWith(local.toRealPath()))
        throw new BundleException(s"The bundle's file $file is a link to a place outside the bundle, which is refused.")
    }
}
