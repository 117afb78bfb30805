package sparkvision.ml.stage

import org.apache.hadoop.fs.{Path => HadoopPath}
import org.apache.spark.ml.util.{DefaultParamsReadable, MLReader, MLWriter}
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.ModelBundle
import sparkvision.ml.model.{BundleFiles, ModelStore, PretrainedModels}

/** Saves a stage with its model: the metadata of Spark ML, and the bundle in the sub-folder `bundle`.
  *
  * @param bundle
  *   the driver's copy, which remains when the target, which may be the source of the bundle, is overwritten
  * @param metadata
  *   Spark ML's writer of the Params
  */
final private[ml] class BundleWriter(bundle: ModelBundle, metadata: MLWriter) extends MLWriter {

  override protected def saveImpl(path: String): Unit = {
    metadata.session(sparkSession).save(path)
    val root = new HadoopPath(BundlePersistence.bundleFolder(path))
    BundleFiles.write(bundle, root, root.getFileSystem(sparkSession.sparkContext.hadoopConfiguration))
  }
}

private[ml] object BundlePersistence {

  /** The prefix of a bundle's URI with which `load` acts as `loadSavedModel`. A Spark Connect client can call no other
    * method of a companion than `load`.
    */
  val BundlePrefix = "bundle:"

  /** The prefix of a name with which `load` acts as `pretrained`, for Spark Connect clients too. */
  val PretrainedPrefix = "pretrained:"

  def bundleFolder(path: String): String = new HadoopPath(path, "bundle").toString
}

/** Creates stages from bundles and from saved stages. It is the companion of each stage with a model. */
trait BundleReadable[S <: ModelStage] extends DefaultParamsReadable[S] {

  /** A stage without a model. */
  protected def make(): S

  /** A stage that runs the bundle at `path`. The bundle is copied and checked now, and its source is not needed later.
    *
    * @param path
    *   a folder, any URI that Hadoop reads, or `embedded:NAME`
    */
  def loadSavedModel(path: String, spark: SparkSession): S = {
    val stage = make()
    stage.setModelPath(path)
    stage.setBundleHash(stage.readBundle(spark).bundleHash)
    stage
  }

  /** A stage with a model of [[PretrainedModels]].
    *
    * @param name
    *   `NAME` for the newest version, or `NAME:VERSION`
    * @throws BundleException
    *   when there is no such model, or another stage runs it
    */
  def pretrained(name: String): S = {
    val spark = SparkSession.active
    loadSavedModel(PretrainedModels.find(name, spark), spark)
  }

  /** Reads a saved stage, with its model from the folder of the stage, which may have been moved. */
  override def read: MLReader[S] = {
    val metadata = super.read
    new MLReader[S] {
      override def load(path: String): S = {
        val stage = metadata.session(sparkSession).load(path)
        val saved = stage.getBundleHash
        stage.setModelPath(BundlePersistence.bundleFolder(path))
        val found = stage.readBundle(sparkSession)
        saved.foreach(ModelStore.requireHash(found.bundleHash, _, path))
        stage.setBundleHash(found.bundleHash)
      }
    }
  }

  // The static forwarder that Java callers, Spark's pipeline reader and a Spark Connect server call.
  override def load(path: String): S =
    if (path.startsWith(BundlePersistence.BundlePrefix))
      loadSavedModel(path.stripPrefix(BundlePersistence.BundlePrefix), SparkSession.active)
    else if (path.startsWith(BundlePersistence.PretrainedPrefix))
      pretrained(path.stripPrefix(BundlePersistence.PretrainedPrefix))
    else super.load(path)
}
