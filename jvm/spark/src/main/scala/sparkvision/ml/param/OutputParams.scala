package sparkvision.ml.param

import org.apache.spark.ml.param._

import sparkvision.engine.postprocess.Pooling
import sparkvision.ml.param.AllowedValues.{NumberFrom, OneOf}

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

/** What an embeddings stage gives. */
trait EmbeddingsParams extends Params {

  final val normalize: BooleanParam =
    new BooleanParam(this, "normalize", "whether embeddings are divided by their Euclidean length")
  final val embeddingsCol: Param[String] =
    new Param(this, "embeddingsCol", "column of embeddings, an ML vector (unset: none)")

  setDefault(normalize -> false)

  def setNormalize(value: Boolean): this.type = set(normalize, value)
  def getNormalize: Boolean = $(normalize)
  def setEmbeddingsCol(value: String): this.type = set(embeddingsCol, value)
  def getEmbeddingsCol: Option[String] = get(embeddingsCol)
}

/** Of models that give hidden states, and no embedding of their own. */
trait PoolingParams extends Params {

  final val pooling: Param[String] = new Param(
    this,
    "pooling",
    "how hidden states become one embedding: cls (the class token's), mean (of all tokens), pooler (the model's own)",
    OneOf("pooling", Pooling.all.map(_.name))
  )

  setDefault(pooling -> Pooling.Cls.name)

  def setPooling(value: String): this.type = set(pooling, value)
  def getPooling: String = $(pooling)
}

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
