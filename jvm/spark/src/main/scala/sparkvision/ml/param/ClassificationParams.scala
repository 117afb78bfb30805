package sparkvision.ml.param

import org.apache.spark.ml.param._

import sparkvision.ml.param.AllowedValues.NumberFrom

/** What a classification stage gives. */
trait ClassificationParams extends Params {

  final val topK: IntParam = new IntParam(
    this,
    "topK",
    "labels reported for each image, at most (unset: the best one; of a multi-label model all at or above threshold)",
    NumberFrom("topK", 1)
  )
  final val threshold: DoubleParam = new DoubleParam(
    this,
    "threshold",
    "multi-label models: the lowest score that is reported",
    NumberFrom("threshold", 0.0, Some(1.0))
  )
  final val predictionCol: Param[String] = new Param(
    this,
    "predictionCol",
    "column of the best label's id, or of the value of a regression, a double (unset: none)"
  )
  final val probabilityCol: Param[String] =
    new Param(this, "probabilityCol", "column of every label's score, an ML vector (unset: none)")
  final val rawPredictionCol: Param[String] =
    new Param(this, "rawPredictionCol", "column of every label's logit, an ML vector (unset: none)")

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
}
