package sparkvision.ml

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

/** What a classification stage gives. */
trait ClassificationParams extends Params with HasOutputCol {

  final val topK: IntParam =
    new IntParam(this, "topK", "labels reported for each picture, at most", ParamValidators.gt(0))
  final val threshold: DoubleParam = new DoubleParam(
    this,
    "threshold",
    "multi-label models: the lowest score that is reported",
    ParamValidators.inRange(0, 1)
  )
  final val predictionCol: Param[String] =
    new Param(this, "predictionCol", "column of the best label's id, a double (unset: none)")
  final val probabilityCol: Param[String] =
    new Param(this, "probabilityCol", "column of every label's score, an ML vector (unset: none)")
  final val rawPredictionCol: Param[String] =
    new Param(this, "rawPredictionCol", "column of every label's logit, an ML vector (unset: none)")
  final val errorCol: Param[String] =
    new Param(this, "errorCol", "column of the reason why a picture has no result, else null (unset: none)")

  setDefault(topK -> 1, threshold -> 0.5)

  def setTopK(value: Int): this.type = set(topK, value)
  def getTopK: Int = $(topK)
  def setThreshold(value: Double): this.type = set(threshold, value)
  def getThreshold: Double = $(threshold)
  def setPredictionCol(value: String): this.type = set(predictionCol, value)
  def getPredictionCol: Option[String] = get(predictionCol)
  def setProbabilityCol(value: String): this.type = set(probabilityCol, value)
  def getProbabilityCol: Option[String] = get(probabilityCol)
  def setRawPredictionCol(value: String): this.type = set(rawPredictionCol, value)
  def getRawPredictionCol: Option[String] = get(rawPredictionCol)
  def setErrorCol(value: String): this.type = set(errorCol, value)
  def getErrorCol: Option[String] = get(errorCol)
}
