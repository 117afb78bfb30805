package sparkvision.ml.stage

import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.{DataFrame, Dataset, SparkSession}

import sparkvision.engine.bundle.BundleManifest
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.{LocalModel, LocalModelBytes}
import sparkvision.image.codec.DecodeMode
import sparkvision.ml.column.ImageColumn
import sparkvision.ml.output.ModelOutput
import sparkvision.ml.param.{HasInputCols, HasOutputCol, ImageInputParams, InferenceParams, PreprocessingParams}
import sparkvision.ml.plan.RowMapping
import sparkvision.ml.task.RunModel

/** The base of every stage with a model for images: each input row gives one output row, in order, with the columns that
  * the Params name.
  */
abstract class VisionModelStage
    extends ModelStage
    with HasInputCols
    with HasOutputCol
    with ImageInputParams
    with PreprocessingParams
    with InferenceParams {

  /** The model's result for one image. */
  private[ml] type Result

  /** The columns that this stage adds.
    *
    * @throws ParameterException
    *   when the model cannot fill one of them
    */
  private[ml] def output(manifest: BundleManifest): ModelOutput[Result]

  override def transform(dataset: Dataset[_]): DataFrame = {
    val spark = dataset.sparkSession
    val model = this.model(spark)
    val output = this.output(model.manifest)
    val _ = withOutput(dataset.schema, output)
    val run = this.run(model.reference, spark)
    // Where the driver does not have the bundle yet, the settings are checked when the query starts.
    model.stored.foreach(run.requireFitting)
    val function = RunModel(uid, run, getBadImageMode, output)
    RowMapping.ofImages(dataset, imageColumn, getOriginCol, output.fields, function)
  }

  /** Reads the model's manifest, and opens no session. */
  override def transformSchema(schema: StructType): StructType =
    withOutput(schema, output(model(SparkSession.active).manifest))

  private def withOutput(schema: StructType, output: ModelOutput[Result]): StructType = {
    val _ = ImageColumn.of(schema, imageColumn, getOriginCol)
    withOutput(schema, output.fields)
  }

  /** This stage's model and settings on this machine, without a Spark job. The caller closes it. */
  def localModel(): LocalModel = {
    val spark = SparkSession.active
    val chosen = settings(spark)
    val session = chosen.session.copy(deviceId = math.max(getDeviceId, 0), intraOpThreads = localThreads)
    new LocalModel(bundle(spark), chosen.copy(session = session, cores = 1))
  }

  /** [[localModel]] for Python, which cannot hold an object of this JVM itself. */
  def localModelBytes(): LocalModelBytes = new LocalModelBytes(localModel())

  private def localThreads: Int =
    if (getIntraOpThreads > 0) getIntraOpThreads else Runtime.getRuntime.availableProcessors

  private def imageColumn: String = ImageColumn.nameOf(this)

  private[ml] override def settings(spark: SparkSession): ModelSettings = super
    .settings(spark)
    .copy(
      processor = processorOverrides,
      maxImagePixels = getMaxImagePixels,
      decodeMode = DecodeMode.parse(getDecodeMode)
    )
}
