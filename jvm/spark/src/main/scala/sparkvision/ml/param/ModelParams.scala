package sparkvision.ml.param

import org.apache.spark.ml.param._

/** Which model a stage runs. The model itself is never a Param: stages stay small, and work over Spark Connect. */
trait ModelParams extends Params {

  final val modelPath: Param[String] = new Param(
    this,
    "modelPath",
    "the model bundle's folder, any URI that Hadoop reads, or embedded:NAME; resolved where the JVM is"
  )
  final val bundleHash: Param[String] = new Param(
    this,
    "bundleHash",
    "sha256 that the bundle at modelPath must have; set by loadSavedModel and load, unset by setModelPath"
  )

  def setModelPath(value: String): this.type = {
    clear(bundleHash)
    set(modelPath, value)
  }
  def getModelPath: Option[String] = get(modelPath)
  def setBundleHash(value: String): this.type = set(bundleHash, value)
  def getBundleHash: Option[String] = get(bundleHash)
}
