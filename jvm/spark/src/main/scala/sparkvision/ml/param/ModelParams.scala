package sparkvision.ml.param

import org.apache.spark.ml.param._
import org.apache.spark.network.util.JavaUtils

import sparkvision.engine.bundle.ModelTask
import sparkvision.engine.runtime.{ExecutionProvider, OneDnnFpMath, SessionConfig}
import sparkvision.image.ParameterException
import sparkvision.ml.param.AllowedValues.{NumberFrom, OneOf}

/** Which model a stage runs. The model itself is not a Param, so that stages stay small and work over Spark Connect.
  *
  * `transform` reads the manifest of the bundle at modelPath, and the first query fetches the bundle. A bundle without a
  * manifest, in Spark NLP's layout, is fetched by `transform`.
  */
trait ModelParams extends Params {

  final val modelPath: Param[String] = new Param(
    this,
    "modelPath",
    "folder of the model bundle, any URI that Hadoop reads, or embedded:NAME, as the JVM sees it"
  )
  final val bundleHash: Param[String] = new Param(
    this,
    "bundleHash",
    "sha256 that the bundle at modelPath must have, which loadSavedModel and load set and setModelPath clears"
  )

  def setModelPath(value: String): this.type = {
    clear(bundleHash)
    set(modelPath, value)
  }
  def getModelPath: Option[String] = get(modelPath)
  def setBundleHash(value: String): this.type = set(bundleHash, value)
  def getBundleHash: Option[String] = get(bundleHash)
}

/** How the model is run. */
trait SessionParams extends Params {

  protected def batchSizeDoc: String = "maximum number of images or texts that the model gets at once"

  final val batchSize: IntParam = new IntParam(this, "batchSize", batchSizeDoc, NumberFrom("batchSize", 1))
  final val executionProvider: Param[String] = new Param(
    this,
    "executionProvider",
    s"where ONNX Runtime computes: ${ExecutionProvider.all.mkString(", ")}",
    OneOf("executionProvider", ExecutionProvider.all.map(_.name))
  )
  final val deviceId: IntParam = new IntParam(
    this,
    "deviceId",
    "number of the GPU to use, from 0; -1: the GPU that Spark's task resource gpu names, or else each GPU in turn, one per partition",
    NumberFrom("deviceId", -1)
  )
  final val intraOpThreads: IntParam = new IntParam(
    this,
    "intraOpThreads",
    "number of threads that one run may use on the CPU; 0: spark.task.cpus, and the cores that no task uses",
    NumberFrom("intraOpThreads", 0)
  )
  final val cudaTf32: BooleanParam =
    new BooleanParam(this, "cudaTf32", "whether CUDA may compute in TF32, which is faster and not exact")
  final val gpuMemLimit: Param[String] = new Param(
    this,
    "gpuMemLimit",
    "GPU memory that the session may use, in bytes or like 512m or 4g (unset: all)"
  )
  final val onednnFpMath: Param[String] = new Param(
    this,
    "onednnFpMath",
    "arithmetic of oneDNN: strict computes in float32, bf16 may round the inputs of matrix products to bfloat16",
    OneOf("onednnFpMath", OneDnnFpMath.all.map(_.name))
  )

  setDefault(
    batchSize -> ModelTask.DefaultBatchSize,
    executionProvider -> ExecutionProvider.Auto.name,
    deviceId -> -1,
    intraOpThreads -> 0,
    cudaTf32 -> false,
    onednnFpMath -> OneDnnFpMath.Strict.name
  )

  def setBatchSize(value: Int): this.type = set(batchSize, value)
  def getBatchSize: Int = $(batchSize)
  def setExecutionProvider(value: String): this.type = set(executionProvider, value)
  def getExecutionProvider: String = $(executionProvider)
  def setDeviceId(value: Int): this.type = set(deviceId, value)
  def getDeviceId: Int = $(deviceId)
  def setIntraOpThreads(value: Int): this.type = set(intraOpThreads, value)
  def getIntraOpThreads: Int = $(intraOpThreads)
  def setCudaTf32(value: Boolean): this.type = set(cudaTf32, value)
  def getCudaTf32: Boolean = $(cudaTf32)
  def setGpuMemLimit(value: String): this.type = set(gpuMemLimit, value)
  def getGpuMemLimit: Option[String] = get(gpuMemLimit)
  def setOnednnFpMath(value: String): this.type = set(onednnFpMath, value)
  def getOnednnFpMath: String = $(onednnFpMath)

  private[ml] def sessionConfig: SessionConfig = SessionConfig(
    ExecutionProvider.parse(getExecutionProvider),
    cudaTf32 = getCudaTf32,
    gpuMemLimit = getGpuMemLimit.map(bytes),
    oneDnnFpMath = OneDnnFpMath.parse(getOnednnFpMath)
  )

  private def bytes(size: String): Long =
    try JavaUtils.byteStringAsBytes(size)
    catch {
      case _: NumberFormatException =>
        throw new ParameterException(s"gpuMemLimit must be a number of bytes or a size like 512m or 4g, not '$size'.")
    }
}
