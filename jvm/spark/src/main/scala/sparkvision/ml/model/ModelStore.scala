package sparkvision.ml.model

import java.io.IOException
import java.nio.file.{Files, Path, StandardCopyOption}
import java.util.concurrent.ConcurrentHashMap

import scala.collection.concurrent.TrieMap
import scala.concurrent.duration.Duration
import scala.jdk.CollectionConverters._
import scala.util.Using

import org.apache.hadoop.fs.{FileUtil, Path => HadoopPath}
import org.apache.spark.scheduler.{SparkListener, SparkListenerApplicationEnd}
import org.apache.spark.sparkvision.LocalDirectories
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{BundleException, BundleManifest, EmbeddedModels, FileDigests, ModelBundle}
import sparkvision.engine.session.{ExecutorRuntime, KeyedCache}

/** The driver's own copy of every bundle that an application has used, by content, in the application's local directory.
  *
  * Stages are saved and models are distributed from these copies: a bundle may be deleted or overwritten at its source
  * (`load(p)` followed by `write.overwrite.save(p)` deletes p before it saves) while the stage still needs its model. The
  * copies therefore stay until the application ends. No lock is held while a bundle is copied.
  */
final private class ModelStore(folder: Path, digests: FileDigests) {
  // Keyed by the hash of the content.
  private val bundles = new KeyedCache[String, ModelBundle]()
  // The reads in progress, keyed by URI: stages that need the same bundle at the same time share one copy of it.
  private val reads = new KeyedCache[String, ModelBundle]()
  // The pairs of URI and hash that were read.
  private val origins = ConcurrentHashMap.newKeySet[(String, String)]()
  // For stages that know only a path: the modification time of each URI when it was last read, and the hash.
  private val latest = TrieMap[String, (Long, String)]()

  def read(uri: String, spark: SparkSession): ModelBundle = {
    val stamp = modificationTime(uri, spark)
    val bundle = add(uri, spark)
    latest(uri) = (stamp.getOrElse(0L), bundle.bundleHash)
    origins.add(uri -> bundle.bundleHash)
    bundle
  }

  def resolve(uri: String, bundleHash: Option[String], spark: SparkSession): ModelBundle =
    known(uri, bundleHash, spark).getOrElse {
      // Another stage may have finished its read since the store was asked.
      val bundle = reads.get(uri, Duration.Zero)(unchanged(uri, spark).getOrElse(read(uri, spark)))
      bundleHash.foreach(ModelStore.requireHash(bundle.bundleHash, _, uri))
      bundle
    }

  def known(uri: String, bundleHash: Option[String], spark: SparkSession): Option[ModelBundle] =
    bundleHash.filter(hash => origins.contains(uri -> hash)).map(stored).orElse {
      val bundle = unchanged(uri, spark)
      for (found <- bundle; hash <- bundleHash) ModelStore.requireHash(found.bundleHash, hash, uri)
      bundle
    }

  def folders: Set[Path] = Using.resource(Files.list(folder))(_.iterator.asScala.toSet)

  /** The last copy of the bundle at `uri`, if the bundle has not changed or can no longer be read. */
  private def unchanged(uri: String, spark: SparkSession): Option[ModelBundle] = {
    val stamp = modificationTime(uri, spark)
    latest.get(uri).collect { case (known, hash) if stamp.forall(_ == known) => stored(hash) }
  }

  private def stored(hash: String): ModelBundle =
    bundles.get(hash)(throw new IllegalStateException(s"the store has no bundle $hash"))

  private def modificationTime(uri: String, spark: SparkSession): Option[Long] =
    if (EmbeddedModels.isEmbedded(uri)) Some(0L)
    else
      try {
        val (fileSystem, root) = BundleFiles.locate(uri, spark)
        Seq(BundleManifest.FileName, BundleManifest.GraphFile)
          .map(new HadoopPath(root, _))
          .find(fileSystem.exists)
          .map(fileSystem.getFileStatus(_).getModificationTime)
      } catch { case _: IOException => None }

  private def add(uri: String, spark: SparkSession): ModelBundle = {
    val incoming = Files.createTempDirectory(folder, "incoming")
    try {
      BundleFiles.fetch(uri, incoming, spark)
      val fetched = ModelBundle.open(incoming, digests)
      bundles.get(fetched.bundleHash) {
        fetched.movedTo(Files.move(incoming, folder.resolve(fetched.bundleHash), StandardCopyOption.ATOMIC_MOVE))
      }
    } catch {
      // The user knows the bundle by its URI, and not by the location of this copy.
      case e: BundleException => throw new BundleException(e.getMessage.replace(incoming.toString, uri), e)
    } finally if (Files.exists(incoming)) { val _ = FileUtil.fullyDelete(incoming.toFile) }
  }
}

private[ml] object ModelStore {

  /** Reads the bundle that is at `uri` now: it is copied and checked.
    *
    * @throws ParameterException
    *   when there is no such folder
    * @throws BundleException
    *   when the folder is no bundle, or the bundle is damaged
    */
  def read(uri: String, spark: SparkSession): ModelBundle = of(spark).read(uri, spark)

  /** The bundle of a stage, from the store if it has the bundle.
    *
    * @param bundleHash
    *   the hash that the bundle must have. If a bundle with this hash has been read from `uri`, later changes at `uri` have
    *   no effect.
    * @throws ParameterException
    *   when there is no such folder
    * @throws BundleException
    *   when the folder is no bundle, the bundle is damaged, or it is another one
    */
  def resolve(uri: String, bundleHash: Option[String], spark: SparkSession): ModelBundle =
    of(spark).resolve(uri, bundleHash, spark)

  /** The bundle of a stage, if the store has it. Copies nothing.
    *
    * @throws BundleException
    *   when the bundle at `uri` is not the one with `bundleHash`
    */
  def known(uri: String, bundleHash: Option[String], spark: SparkSession): Option[ModelBundle] =
    of(spark).known(uri, bundleHash, spark)

  /** @throws BundleException
    *   when the bundle at `uri` is not the expected one
    */
  def requireHash(found: String, expected: String, uri: String): Unit =
    if (found != expected)
      throw new BundleException(
        s"The bundle at $uri has the hash $found, but this stage was made with $expected. It was " +
          "replaced: load it again with loadSavedModel, or restore it."
      )

  /** The folders of this application's store. */
  private[ml] def folders(spark: SparkSession): Set[Path] = of(spark).folders

  /** The stores of the applications of this process, by application id. */
  final private class Stores(digests: FileDigests) {
    private val stores = new KeyedCache[String, ModelStore]()

    def of(spark: SparkSession): ModelStore = {
      val context = spark.sparkContext
      stores.get(context.applicationId) {
        context.addSparkListener(new SparkListener {
          override def onApplicationEnd(end: SparkListenerApplicationEnd): Unit =
            stores.discard(context.applicationId)(_ => true)
        })
        new ModelStore(LocalDirectories.create("sparkvision-models"), digests)
      }
    }
  }

  private def of(spark: SparkSession): ModelStore = {
    val runtime = ExecutorRuntime.ofThisProcess
    runtime.part(classOf[Stores])(new Stores(runtime.fileDigests)).of(spark)
  }
}
