package sparkvision.ml.stage

import org.apache.spark.ml.Transformer
import org.apache.spark.ml.param.ParamMap
import org.apache.spark.ml.util.{DefaultParamsWritable, MLWriter}
import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.types.{StructField, StructType}

import sparkvision.engine.bundle.{BundleManifest, ModelBundle}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.image.ParameterException
import sparkvision.ml.model.{BundleWriter, DistributedModel, ModelDistributor, ModelStore}
import sparkvision.ml.param.{HasErrorCol, ModelParams, SessionParams}
import sparkvision.ml.task.PartitionRunner

/** What every stage with a model does: it finds its model, sends it to the executors, and is saved with it. */
abstract class ModelStage
    extends Transformer
    with HasErrorCol
    with SessionParams
    with ModelParams
    with DefaultParamsWritable {

  /** @throws BundleException
    *   when this stage does not run such models, naming the stage that does
    */
  private[ml] def requireRunnable(manifest: BundleManifest): Unit

  /** The Params that name output columns, for the message when none is set. */
  private[ml] def outputParams: Seq[String]

  /** Keeps what was sent to the executors alive as long as this stage. */
  @transient private[ml] var distributed = Option.empty[DistributedModel]

  /** The schema with the columns that this stage adds. */
  private[ml] def withOutput(schema: StructType, fields: Seq[StructField]): StructType = {
    if (fields.isEmpty)
      throw new ParameterException(s"$uid would add no column: set one of ${outputParams.mkString(", ")}.")
    RowMapping.append(schema, fields)
  }

  /** A copy; with another modelPath it forgets the hash of the old model, as setModelPath does. */
  override def copy(extra: ParamMap): this.type = {
    val copied = defaultCopy[ModelStage](extra)
    if (extra.contains(modelPath) && !extra.contains(bundleHash)) copied.clear(copied.bundleHash)
    copied.asInstanceOf[this.type]
  }

  override def write: MLWriter = new BundleWriter(bundle(SparkSession.active), super.write)

  /** This stage's model, from the driver's store where it can be. */
  private[ml] def bundle(spark: SparkSession): ModelBundle =
    runnable(ModelStore.resolve(modelUri, getBundleHash, spark))

  /** What lies at modelPath here and now. */
  private[ml] def readBundle(spark: SparkSession): ModelBundle = runnable(ModelStore.read(modelUri, spark))

  private def runnable(bundle: ModelBundle): ModelBundle = {
    requireRunnable(bundle.manifest)
    bundle
  }

  private[ml] def modelUri: String = getModelPath.getOrElse {
    throw new ParameterException(s"$uid has no model: use loadSavedModel(path, spark), pretrained() or setModelPath.")
  }

  private[ml] def partitionRunner(model: ModelBundle, settings: ModelSettings, spark: SparkSession): PartitionRunner = {
    val sent = ModelDistributor.distribute(model, modelUri, spark.sparkContext)
    distributed = Some(sent)
    PartitionRunner(sent, settings, getDeviceId, getIntraOpThreads)
  }

  /** How the model is run, as the Params say. */
  private[ml] def settings(spark: SparkSession): ModelSettings = ModelSettings(
    batchSize = getBatchSize,
    session = sessionConfig,
    cores = PartitionRunner.executorCores(spark.sparkContext.getConf),
    sessionIdle = PartitionRunner.sessionIdle(spark.sparkContext)
  )
}
