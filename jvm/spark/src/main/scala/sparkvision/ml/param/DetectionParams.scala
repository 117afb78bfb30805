package sparkvision.ml.param

import org.apache.spark.ml.param._

import sparkvision.ml.param.AllowedValues.NumberFrom

/** What a detection stage gives. */
trait DetectionParams extends Params {

  final val topK: IntParam = new IntParam(
    this,
    "topK",
    "objects reported for each image, at most, best first (unset: all above threshold)",
    NumberFrom("topK", 1)
  )
  final val threshold: DoubleParam =
    new DoubleParam(
      this,
      "threshold",
      "objects with a higher score are reported",
      NumberFrom("threshold", 0.0, Some(1.0))
    )
  final val detectionsCol: Param[String] = new Param(
    this,
    "detectionsCol",
    "column of objects: an array of label, score and box (xmin, ymin, xmax, ymax in pixels of the upright image), best " +
      "first (unset: none)"
  )

  setDefault(threshold -> 0.5)

  def setTopK(value: Int): this.type = set(topK, value)
  def getTopK: Option[Int] = get(topK)
  def setThreshold(value: Double): this.type = set(threshold, value)
  def getThreshold: Double = $(threshold)
  def setDetectionsCol(value: String): this.type = set(detectionsCol, value)
  def getDetectionsCol: Option[String] = get(detectionsCol)
}
