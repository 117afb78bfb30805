package sparkvision.ml

import org.apache.spark.ml.Transformer
import org.apache.spark.ml.param.ParamMap
import org.apache.spark.ml.util.{DefaultParamsWritable, MLWriter}
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.{DataFrame, Dataset, SparkSession}

import sparkvision.engine._

/** What every stage with a model does: one row out for each row in, in order, with the columns that its Params name. */
abstract class VisionModelStage
    extends Transformer
    with HasInputCols
    with HasOutputCol
    with HasErrorCol
    with PictureInputParams
    with PreprocessingParams
    with InferenceParams
    with ModelParams
    with DefaultParamsWritable {

  /** What the model says of one picture. */
  private[ml] type Result

  /** The columns that this stage adds.
    *
    * @throws ParameterException
    *   when the model cannot give one of them
    */
  private[ml] def output(manifest: BundleManifest): ModelOutput[Result]

  /** @throws BundleException
    *   when this stage does not run such models, naming the stage that does
    */
  private[ml] def requireRunnable(manifest: BundleManifest): Unit

  /** The Params that name output columns, for the message when none is set. */
  private[ml] def outputParams: Seq[String]

  /** Keeps what was sent to the executors alive as long as this stage. */
  @transient private[ml] var distributed = Option.empty[DistributedModel]

  override def transform(dataset: Dataset[_]): DataFrame = {
    val spark = dataset.sparkSession
    val model = bundle(spark)
    val output = this.output(model.manifest)
    val _ = withOutput(dataset.schema, output)
    val function = RunModel(uid, partitionRunner(model, spark), getBadImageMode, output)
    RowMapping(dataset, pictureColumn, getOriginCol, output.fields, function)
  }

  /** Reads the model's manifest, which the driver keeps, and opens no session. */
  override def transformSchema(schema: StructType): StructType =
    withOutput(schema, output(bundle(SparkSession.active).manifest))

  private def withOutput(schema: StructType, output: ModelOutput[Result]): StructType = {
    val _ = PictureColumn.of(schema, pictureColumn, getOriginCol)
    if (output.fields.isEmpty)
      throw new ParameterException(s"$uid would add no column: set one of ${outputParams.mkString(", ")}.")
    RowMapping.append(schema, output.fields)
  }

  /** A copy; with another modelPath it forgets the hash of the old model, as setModelPath does. */
  override def copy(extra: ParamMap): this.type = {
    val copied = defaultCopy[VisionModelStage](extra)
    if (extra.contains(modelPath) && !extra.contains(bundleHash)) copied.clear(copied.bundleHash)
    copied.asInstanceOf[this.type]
  }

  override def write: MLWriter = new BundleWriter(bundle(SparkSession.active), super.write)

  /** This stage's model and settings on this machine, without a Spark job. The caller closes it. */
  def localModel(): LocalModel = {
    val spark = SparkSession.active
    val chosen = settings(spark)
    val session = chosen.session.copy(deviceId = math.max(getDeviceId, 0), intraOpThreads = localThreads)
    new LocalModel(bundle(spark), chosen.copy(session = session, cores = 1))
  }

  private def localThreads: Int =
    if (getIntraOpThreads > 0) getIntraOpThreads else Runtime.getRuntime.availableProcessors

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

  private def pictureColumn: String = PictureColumn.nameOf(this)

  private def partitionRunner(model: ModelBundle, spark: SparkSession): PartitionRunner = {
    // Settings that the model cannot take are the driver's to refuse, before any task runs.
    val chosen = settings(spark)
    new LocalModel(model, chosen).close()
    val sent = ModelDistributor.distribute(model, modelUri, spark.sparkContext)
    distributed = Some(sent)
    PartitionRunner(sent, chosen, getDeviceId, getIntraOpThreads)
  }

  /** How the model is run, as the Params say. */
  private[ml] def settings(spark: SparkSession): ModelSettings = ModelSettings(
    processor = processorOverrides,
    batchSize = getBatchSize,
    maxImagePixels = getMaxImagePixels,
    decodeMode = DecodeMode.parse(getDecodeMode),
    session = sessionConfig,
    cores = PartitionRunner.executorCores(spark.sparkContext.getConf),
    sessionIdle = PartitionRunner.sessionIdle(spark.sparkContext)
  )
}
