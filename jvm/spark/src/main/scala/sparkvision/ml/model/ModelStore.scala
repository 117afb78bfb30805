package sparkvision.ml.model

import java.io.IOException
import java.nio.file.{Files, Path, StandardCopyOption}

import scala.collection.mutable
import scala.jdk.CollectionConverters._
import scala.util.Using

import org.apache.hadoop.fs.{FileUtil, Path => HadoopPath}
import org.apache.spark.scheduler.{SparkListener, SparkListenerApplicationEnd}
import org.apache.spark.sparkvision.LocalDirectories
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{BundleException, BundleManifest, EmbeddedModels, ModelBundle}

/** The driver's copy of every bundle that it has used, by content, in the application's local directory.
  *
  * Saving and distributing read from the store. A stage keeps its model when the bundle is deleted or overwritten at its
  * source: `load(p)` and `write.overwrite.save(p)` delete p before they save.
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

  /** The bundle that lies at `uri` now, copied and checked.
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

  /** The bundle of a stage, from the store if the store has it.
    *
    * @param bundleHash
    *   the content that it must have. After it was read from `uri` once, later changes at `uri` do not matter
    * @throws BundleException
    *   when there is no bundle, it is damaged, or it is another one
    */
  def resolve(uri: String, bundleHash: Option[String], spark: SparkSession): ModelBundle = synchronized {
    known(uri, bundleHash, spark).getOrElse {
      val bundle = read(uri, spark)
      bundleHash.foreach(requireHash(bundle.bundleHash, _, uri))
      bundle
    }
  }

  /** The bundle of a stage, if the store has it: nothing is copied.
    *
    * @throws BundleException
    *   when another bundle lies at `uri` than the one with `bundleHash`
    */
  def known(uri: String, bundleHash: Option[String], spark: SparkSession): Option[ModelBundle] = synchronized {
    val store = storeOf(spark)
    bundleHash.filter(hash => store.origins(uri -> hash)).map(store.byHash).orElse {
      val bundle = unchanged(store, uri, spark)
      for (found <- bundle; hash <- bundleHash) requireHash(found.bundleHash, hash, uri)
      bundle
    }
  }

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

  /** The last copy of the bundle at `uri`, unless the bundle has changed since. A bundle that can no longer be read counts
    * as unchanged.
    */
  private def unchanged(store: Store, uri: String, spark: SparkSession): Option[ModelBundle] = {
    val stamp = modificationTime(uri, spark)
    store.latest.get(uri).collect { case (known, hash) if stamp.forall(_ == known) => store.byHash(hash) }
  }

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

  private def add(store: Store, uri: String, spark: SparkSession): ModelBundle = {
    val incoming = Files.createTempDirectory(store.folder, "incoming")
    try {
      BundleFiles.fetch(uri, incoming, spark)
      val fetched = ModelBundle.open(incoming)
      store.byHash.getOrElseUpdate(
        fetched.bundleHash,
        fetched.movedTo(
          Files.move(incoming, store.folder.resolve(fetched.bundleHash), StandardCopyOption.ATOMIC_MOVE)
        )
      )
    } catch {
      // The user knows the bundle by its URI, not by the folder of the copy.
      case e: BundleException => throw new BundleException(e.getMessage.replace(incoming.toString, uri), e)
    } finally if (Files.exists(incoming)) { val _ = FileUtil.fullyDelete(incoming.toFile) }
  }
}
