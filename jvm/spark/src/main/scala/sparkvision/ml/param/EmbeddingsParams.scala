package sparkvision.ml.param

import org.apache.spark.ml.param._

import sparkvision.engine.postprocess.Pooling
import sparkvision.ml.param.AllowedValues.OneOf

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
