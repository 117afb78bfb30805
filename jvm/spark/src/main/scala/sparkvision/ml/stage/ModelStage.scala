package sparkvision.ml.stage

import org.apache.spark.ml.Transformer
import org.apache.spark.ml.param.ParamMap
import org.apache.spark.ml.util.{DefaultParamsWritable, MLWriter}
import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.types.{StructField, StructType}

import sparkvision.engine.bundle.{BundleException, BundleManifest, ModelBundle, ModelTask, TensorInfo}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.image.ParameterException
import sparkvision.ml.column.ColumnNames
import sparkvision.ml.model.{ModelDescription, ModelFamily, ModelReference, ModelStore, SentModel}
import sparkvision.ml.param.{HasErrorCol, ModelParams, SessionParams}
import sparkvision.ml.task.{ModelRun, PartitionRunner}

/** The base of every stage with a model: it finds its model, plans how the model is run, and is saved with its model. */
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

  // Lazy, so that a stage that was deserialized has one too.
  @transient private lazy val sent = new SentModel

  /** The schema with the columns that this stage adds. */
  private[ml] def withOutput(schema: StructType, fields: Seq[StructField]): StructType = {
    if (fields.isEmpty)
      throw new ParameterException(s"$uid would add no column: set one of ${outputParams.mkString(", ")}.")
    ColumnNames.append(schema, fields)
  }

  /** A copy. With another modelPath the copy drops the hash of the old model, as setModelPath does. */
  override def copy(extra: ParamMap): this.type = {
    val copied = defaultCopy[ModelStage](extra)
    if (extra.contains(modelPath) && !extra.contains(bundleHash)) copied.clear(copied.bundleHash)
    copied.asInstanceOf[this.type]
  }

  override def write: MLWriter = new BundleWriter(bundle(SparkSession.active), super.write)

  /** What is known of this stage's model while a query is planned. The bundle itself is fetched when the query starts,
    * unless it has no manifest (Spark NLP's layout) or the manifest leaves the size of [[sizedOutput]] open.
    */
  private[ml] def model(spark: SparkSession): ModelDescription = {
    val found = ModelDescription.of(modelUri, getBundleHash, sent, spark) { manifest =>
      requireRunnable(manifest)
      sizedOutput(manifest).forall(_.shape.last > 0)
    }
    requireRunnable(found.manifest)
    found
  }

  /** The output of the graph whose size this stage must know to plan a query, if it must know one. */
  private[ml] def sizedOutput(manifest: BundleManifest): Option[TensorInfo] = None

  /** This stage's model, from the driver's store if it is there. */
  private[ml] def bundle(spark: SparkSession): ModelBundle =
    runnable(ModelStore.resolve(modelUri, getBundleHash, spark))

  /** The bundle that lies at modelPath now. */
  private[ml] def readBundle(spark: SparkSession): ModelBundle = runnable(ModelStore.read(modelUri, spark))

  private def runnable(bundle: ModelBundle): ModelBundle = {
    requireRunnable(bundle.manifest)
    bundle
  }

  private[ml] def modelUri: String = getModelPath.getOrElse {
    throw new ParameterException(s"$uid has no model: use loadSavedModel(path, spark), pretrained() or setModelPath.")
  }

  /** Refuses the bundle of another task.
    *
    * @param lack
    *   what such a bundle does not do
    * @param remedy
    *   what the user can do with this stage
    */
  private[ml] def requireTask(manifest: BundleManifest, task: ModelTask, lack: String, remedy: String): Unit =
    if (manifest.task != task)
      throw new BundleException(
        s"The bundle at $modelUri is for ${manifest.task.name}, and $lack. Use ${ModelFamily.stageFor(manifest)}, or $remedy."
      )

  /** Refuses a bundle that reads no texts, for the stages of CLIP. */
  private[ml] def requireZeroShot(manifest: BundleManifest): Unit = {
    val task = ModelTask.ZeroShotImageClassification
    requireTask(
      manifest,
      task,
      "reads no texts",
      s"export a CLIP checkpoint with `sparkvision export --task ${task.name}`"
    )
  }

  /** Refuses the bundle of an architecture that a named stage does not run. */
  private[ml] def requireArchitecture(manifest: BundleManifest, family: Option[ModelFamily]): Unit =
    family.filterNot(_.runs(manifest.architecture)).foreach { named =>
      throw new BundleException(
        s"The bundle at $modelUri holds a ${manifest.architecture}, but ${named.stage} runs " +
          s"${named.architectures.mkString(" and ")}. Use ${ModelFamily.stageFor(manifest)}."
      )
    }

  /** The model with the settings of the Params. */
  private[ml] def run(reference: ModelReference, spark: SparkSession): ModelRun =
    ModelRun(reference, settings(spark), getDeviceId, getIntraOpThreads)

  private[ml] def settings(spark: SparkSession): ModelSettings = ModelSettings(
    batchSize = Some(getBatchSize),
    session = sessionConfig,
    cores = PartitionRunner.executorCores(spark.sparkContext.getConf),
    sessionIdle = PartitionRunner.sessionIdle(spark.sparkContext)
  )
}
