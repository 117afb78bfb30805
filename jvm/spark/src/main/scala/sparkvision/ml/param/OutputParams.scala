package sparkvision.ml.param

import org.apache.spark.ml.param._

import sparkvision.engine.postprocess.Pooling
import sparkvision.ml.param.AllowedValues.{NumberFrom, OneOf}

/** What a classification stage returns. */
trait ClassificationParams extends Params {

  final val topK: IntParam = new IntParam(
    this,
    "topK",
    "maximum number of labels for each image (unset: the best label; of a multi-label model every label at or above threshold)",
    NumberFrom("topK", 1)
  )
  final val threshold: DoubleParam = new DoubleParam(
    this,
    "threshold",
    "lowest score that a multi-label model reports",
    NumberFrom("threshold", 0.0, Some(1.0))
  )
  final val predictionCol: Param[String] = new Param(
    this,
    "predictionCol",
    "column to add with the id of the best label, or the value of a regression, as a double (unset: none)"
  )
  final val probabilityCol: Param[String] =
    new Param(this, "probabilityCol", "column to add with the score of every label, as an ML vector (unset: none)")
  final val rawPredictionCol: Param[String] =
    new Param(this, "rawPredictionCol", "column to add with the logit of every label, as an ML vector (unset: none)")

  setDefault(threshold -> 0.5)

  def setTopK(value: Int): this.type = set(topK, value)
  // Not a default that a stage of an earlier version was saved with.
  def getTopK: Option[Int] = get(topK)
  def setThreshold(value: Double): this.type = set(threshold, value)
  def getThreshold: Double = $(threshold)
  def setPredictionCol(value: String): this.type = set(predictionCol, value)
  def getPredictionCol: Option[String] = get(predictionCol)
  def setProbabilityCol(value: String): this.type = set(probabilityCol, value)
  def getProbabilityCol: Option[String] = get(probabilityCol)
  def setRawPredictionCol(value: String): this.type = set(rawPredictionCol, value)
  def getRawPredictionCol: Option[String] = get(rawPredictionCol)
}

/** What an embeddings stage returns. */
trait EmbeddingsParams extends Params {

  final val normalize: BooleanParam =
    new BooleanParam(this, "normalize", "whether embeddings are divided by their Euclidean length")
  final val embeddingsCol: Param[String] =
    new Param(this, "embeddingsCol", "column to add with the embeddings, as ML vectors (unset: none)")

  setDefault(normalize -> false)

  def setNormalize(value: Boolean): this.type = set(normalize, value)
  def getNormalize: Boolean = $(normalize)
  def setEmbeddingsCol(value: String): this.type = set(embeddingsCol, value)
  def getEmbeddingsCol: Option[String] = get(embeddingsCol)
}

/** For models that return hidden states and no embedding of their own. */
trait PoolingParams extends Params {

  final val pooling: Param[String] = new Param(
    this,
    "pooling",
    "how hidden states become one embedding: cls (that of the class token), mean (the mean of all tokens) or pooler (the model's own pooling)",
    OneOf("pooling", Pooling.all.map(_.name))
  )

  setDefault(pooling -> Pooling.Cls.name)

  def setPooling(value: String): this.type = set(pooling, value)
  def getPooling: String = $(pooling)
}

/** What a detection stage returns. */
trait DetectionParams extends Params {

  final val topK: IntParam = new IntParam(
    this,
    "topK",
    "maximum number of objects for each image, best first (unset: all above threshold)",
    NumberFrom("topK", 1)
  )
  final val threshold: DoubleParam =
    new DoubleParam(
      this,
      "threshold",
      "score above which objects are reported",
      NumberFrom("threshold", 0.0, Some(1.0))
    )
  final val detectionsCol: Param[String] = new Param(
    this,
    "detectionsCol",
    "column to add with the objects, best first: an array of label, score and box (xmin, ymin, xmax, ymax in pixels of " +
      "the upright image) (unset: none)"
  )

  setDefault(threshold -> 0.5)

  def setTopK(value: Int): this.type = set(topK, value)
  def getTopK: Option[Int] = get(topK)
  def setThreshold(value: Double): this.type = set(threshold, value)
  def getThreshold: Double = $(threshold)
  def setDetectionsCol(value: String): this.type = set(detectionsCol, value)
  def getDetectionsCol: Option[String] = get(detectionsCol)
}
