package sparkvision.ml

import org.apache.spark.ml.Transformer
import org.apache.spark.ml.param.ParamMap
import org.apache.spark.ml.util.{DefaultParamsWritable, MLWriter}
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.{DataFrame, Dataset, SparkSession}

import sparkvision.engine._

/** What every classification stage does: one row out for each row in, in order, with the columns its Params name. */
abstract class ImageClassification
    extends Transformer
    with HasInputCols
    with PictureInputParams
    with PreprocessingParams
    with InferenceParams
    with ModelParams
    with ClassificationParams
    with DefaultParamsWritable {

  /** The Hugging Face class whose bundles this stage runs. */
  protected def architecture: String

  /** Keeps what was sent to the executors alive as long as this stage. */
  @transient private[ml] var distributed = Option.empty[DistributedModel]

  override def transform(dataset: Dataset[_]): DataFrame = {
    val _ = transformSchema(dataset.schema)
    val runner = partitionRunner(dataset.sparkSession)
    val function = ClassifyPictures(uid, runner, getBadImageMode, output)
    RowMapping(dataset, pictureColumn, getOriginCol, output.fields, function)
  }

  override def transformSchema(schema: StructType): StructType = {
    val _ = PictureColumn.of(schema, pictureColumn, getOriginCol)
    if (output.fields.isEmpty)
      throw new ParameterException(
        s"$uid would add no column: set outputCol, predictionCol, probabilityCol, rawPredictionCol or errorCol."
      )
    RowMapping.append(schema, output.fields)
  }

  /** A copy; with another modelPath it forgets the hash of the old model, as setModelPath does. */
  override def copy(extra: ParamMap): this.type = {
    val copied = defaultCopy[ImageClassification](extra)
    if (extra.contains(modelPath) && !extra.contains(bundleHash)) copied.clear(copied.bundleHash)
    copied.asInstanceOf[this.type]
  }

  override def write: MLWriter = new BundleWriter(bundle(SparkSession.active), super.write)

  /** The names of the classes, in the order of their ids. */
  def labels: Array[String] = bundle(SparkSession.active).manifest.labels.toArray

  /** This stage's model and settings on this machine, without a Spark job. The caller closes it. */
  def localModel(): LocalModel = {
    val spark = SparkSession.active
    val chosen = settings(spark)
    val session = chosen.session.copy(deviceId = math.max(getDeviceId, 0), intraOpThreads = localThreads)
    new LocalModel(bundle(spark), chosen.copy(session = session))
  }

  private def localThreads: Int =
    if (getIntraOpThreads > 0) getIntraOpThreads else Runtime.getRuntime.availableProcessors

  /** This stage's model, from the driver's store where it can be. */
  private[ml] def bundle(spark: SparkSession): ModelBundle =
    requireArchitecture(ModelStore.resolve(modelUri, getBundleHash, spark))

  /** What lies at modelPath here and now. */
  private[ml] def readBundle(spark: SparkSession): ModelBundle = requireArchitecture(ModelStore.read(modelUri, spark))

  private def modelUri: String = getModelPath.getOrElse {
    throw new ParameterException(s"$uid has no model: use loadSavedModel(path, spark), pretrained() or setModelPath.")
  }

  private def requireArchitecture(bundle: ModelBundle): ModelBundle = {
    val found = bundle.manifest.architecture
    // A Spark NLP folder does not say what it holds.
    if (found.nonEmpty && found != architecture)
      throw new BundleException(
        s"The bundle at $modelUri holds a $found, but ${getClass.getSimpleName} runs $architecture. Use a bundle of that architecture."
      )
    bundle
  }

  private def pictureColumn: String = get(inputCols) match {
    case Some(Array(one)) => one
    case Some(several) =>
      throw new ParameterException(
        s"$uid takes exactly one input column, not ${several.length} (${several.mkString(", ")}): setInputCols([\"image\"])."
      )
    case None => throw new ParameterException(s"$uid has no input column: setInputCols([\"image\"]).")
  }

  private def output = ClassificationOutput(
    outputCol = getOutputCol,
    rawPredictionCol = getRawPredictionCol,
    probabilityCol = getProbabilityCol,
    predictionCol = getPredictionCol,
    errorCol = getErrorCol
  )

  private def partitionRunner(spark: SparkSession): PartitionRunner = {
    val model = bundle(spark)
    if (isSet(predictionCol) && model.manifest.problemType != ProblemType.SingleLabel)
      throw new ParameterException(
        s"predictionCol is for models that give one label; this one is ${model.manifest.problemType.name}. " +
          "Use outputCol, or probabilityCol."
      )
    // Settings that the model cannot take are the driver's to refuse, before any task runs.
    val chosen = settings(spark)
    new LocalModel(model, chosen).close()
    val sent = ModelDistributor.distribute(model, modelUri, spark.sparkContext)
    distributed = Some(sent)
    PartitionRunner(sent, chosen, getDeviceId, getIntraOpThreads)
  }

  private def settings(spark: SparkSession) = ModelSettings(
    processor = processorOverrides,
    batchSize = getBatchSize,
    maxImagePixels = getMaxImagePixels,
    topK = getTopK,
    threshold = getThreshold,
    session = SessionConfig(ExecutionProvider.parse(getExecutionProvider), cudaTf32 = getCudaTf32),
    sessionIdle = PartitionRunner.sessionIdle(spark.sparkContext)
  )
}
