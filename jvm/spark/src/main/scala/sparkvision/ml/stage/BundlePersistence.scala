package sparkvision.ml.stage

import org.apache.hadoop.fs.{Path => HadoopPath}
import org.apache.spark.ml.util.{DefaultParamsReadable, MLReader, MLWriter}
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{EmbeddedModels, ModelBundle}
import sparkvision.ml.model.{BundleFiles, ModelStore, PretrainedModels}

/** Saves a stage with its model: Spark ML's own metadata, and the bundle in the folder `bundle` beside it.
  *
  * @param bundle
  *   the driver's own copy, which lives on when the target, perhaps the bundle's source, is overwritten
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

  /** Before a bundle's URI: what `load` is asked for is the bundle itself, not a saved stage. A Spark Connect client can
    * call nothing else of a companion than `load`, so this is its way to `loadSavedModel`.
    */
  val BundlePrefix = "bundle:"

  /** Before a name: what `load` is asked for is `pretrained` of that name, for Spark Connect clients too. */
  val PretrainedPrefix = "pretrained:"

  def bundleFolder(path: String): String = new HadoopPath(path, "bundle").toString
}

/** Makes stages from bundles and from saved stages: the companion of each stage with a model. */
trait BundleReadable[S <: ModelStage] extends DefaultParamsReadable[S] {

  /** A stage without a model. */
  protected def make(): S

  /** A stage that runs the bundle at `path`, checked here and now; where it lies after that is of no matter.
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

  /** A stage with the embedded default: handwritten digits. */
  def pretrained(): S = loadSavedModel(EmbeddedModels.Default, SparkSession.active)

  /** A stage with a model of [[PretrainedModels]].
    *
    * @param name
    *   `NAME`, of which the newest version is taken, or `NAME:VERSION`
    * @throws BundleException
    *   when there is no such model, or another stage runs it
    */
  def pretrained(name: String): S = {
    val spark = SparkSession.active
    loadSavedModel(PretrainedModels.find(name, spark), spark)
  }

  /** A saved stage. Its model is read from where it is now, wherever it was saved. */
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

  // A static forwarder that Java callers, Spark's pipeline reader and a Spark Connect server find.
  override def load(path: String): S =
    if (path.startsWith(BundlePersistence.BundlePrefix))
      loadSavedModel(path.stripPrefix(BundlePersistence.BundlePrefix), SparkSession.active)
    else if (path.startsWith(BundlePersistence.PretrainedPrefix))
      pretrained(path.stripPrefix(BundlePersistence.PretrainedPrefix))
    else super.load(path)
}
