package sparkvision.ml.param

import org.apache.spark.ml.param._

import sparkvision.engine.similarity.SearchMethod
import sparkvision.ml.param.AllowedValues.{NumberFrom, OneOf}

/** Which index is searched, and how. The index itself is not a Param, so that stages stay small and work over Spark Connect. */
trait SimilarityParams extends HasErrorCol {

  final val indexPath: Param[String] = new Param(
    this,
    "indexPath",
    "folder of the similarity index, any URI that Hadoop reads, which the driver and the executors read"
  )
  final val embeddingsCol: Param[String] =
    new Param(this, "embeddingsCol", "column of the embeddings to compare, as ML vectors or arrays of numbers")
  final val outputCol: Param[String] =
    new Param(this, "outputCol", "column to add with the ids and cosines of the most similar images, best first")
  final val topK: IntParam =
    new IntParam(this, "topK", "maximum number of similar images for each row", NumberFrom("topK", 1))
  final val method: Param[String] = new Param(
    this,
    "method",
    "search method: exact compares each embedding with all, approximate follows graphs of neighbours and may miss some",
    OneOf("method", SearchMethod.all.map(_.name))
  )
  final val efSearch: IntParam = new IntParam(
    this,
    "efSearch",
    "number of candidates that an approximate search keeps, at least topK; more candidates miss fewer neighbours and take longer",
    NumberFrom("efSearch", 1)
  )
  final val batchSize: IntParam = new IntParam(
    this,
    "batchSize",
    "maximum number of embeddings that an exact search compares with the index at once",
    NumberFrom("batchSize", 1)
  )

  setDefault(
    embeddingsCol -> SimilarityParams.EmbeddingsCol,
    outputCol -> "similar",
    topK -> 10,
    method -> SearchMethod.Exact.name,
    efSearch -> SimilarityParams.EfSearch,
    batchSize -> SimilarityParams.BatchSize
  )

  def setIndexPath(value: String): this.type = set(indexPath, value)
  def getIndexPath: Option[String] = get(indexPath)
  def setEmbeddingsCol(value: String): this.type = set(embeddingsCol, value)
  def getEmbeddingsCol: String = $(embeddingsCol)
  def setOutputCol(value: String): this.type = set(outputCol, value)
  def getOutputCol: String = $(outputCol)
  def setTopK(value: Int): this.type = set(topK, value)
  def getTopK: Int = $(topK)
  def setMethod(value: String): this.type = set(method, value)
  def getMethod: String = $(method)
  def setEfSearch(value: Int): this.type = set(efSearch, value)
  def getEfSearch: Int = $(efSearch)
  def setBatchSize(value: Int): this.type = set(batchSize, value)
  def getBatchSize: Int = $(batchSize)
}

private[ml] object SimilarityParams {
  val EmbeddingsCol = "features"
  val EfSearch = 100
  val BatchSize = 64
}
