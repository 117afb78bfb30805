package sparkvision.ml.param

import org.apache.spark.ml.param._

import sparkvision.engine.similarity.SearchMethod
import sparkvision.ml.param.AllowedValues.{NumberFrom, OneOf}

/** What `ImageDeduplicator` reads, which images it considers duplicates, and what it adds. */
trait DeduplicationParams extends Params {

  final val idCol: Param[String] =
    new Param(this, "idCol", "string or integer column with the unique id of each row, which also identifies groups")
  final val hashCol: Param[String] =
    new Param(this, "hashCol", "bigint column of perceptual hashes to compare (unset: none)")
  final val embeddingsCol: Param[String] =
    new Param(this, "embeddingsCol", "column of embeddings to compare by cosine (unset: none)")
  final val indexPath: Param[String] =
    new Param(this, "indexPath", "folder of the similarity index of the embeddings, which SimilarImages.build writes")
  final val method: Param[String] = new Param(
    this,
    "method",
    "search method: exact compares each embedding with all, approximate follows graphs of neighbours",
    OneOf("method", SearchMethod.all.map(_.name))
  )
  final val topK: IntParam = new IntParam(
    this,
    "topK",
    "number of the most similar embeddings that are considered for each image",
    NumberFrom("topK", 1)
  )
  final val orderCol: Param[String] = new Param(
    this,
    "orderCol",
    "column whose largest value in a group chooses the representative, such as the number of pixels (unset: the smallest id)"
  )
  final val groupCol: Param[String] =
    new Param(this, "groupCol", "column to add with the id of the group's representative")
  final val representativeCol: Param[String] =
    new Param(this, "representativeCol", "boolean column to add that is true for the representative of each group")
  final val maxHashDistance: IntParam = new IntParam(
    this,
    "maxHashDistance",
    "maximum number of bits, of 64, in which the hashes of duplicates differ",
    NumberFrom("maxHashDistance", 0, Some(DeduplicationParams.LargestDistance))
  )
  final val minSimilarity: DoubleParam = new DoubleParam(
    this,
    "minSimilarity",
    "minimum cosine of the embeddings of duplicates",
    NumberFrom("minSimilarity", -1.0, Some(1.0))
  )
  final val matching: Param[String] = new Param(
    this,
    "matching",
    "which similarity makes duplicates when hashes and embeddings are compared: either of them, or both together",
    OneOf("matching", DeduplicationParams.Matchings)
  )
  setDefault(
    method -> SearchMethod.Exact.name,
    topK -> 10,
    groupCol -> "group",
    representativeCol -> "representative",
    maxHashDistance -> 4,
    minSimilarity -> 0.95,
    matching -> DeduplicationParams.Either
  )

  def setIdCol(value: String): this.type = set(idCol, value)
  def getIdCol: Option[String] = get(idCol)
  def setHashCol(value: String): this.type = set(hashCol, value)
  def getHashCol: Option[String] = get(hashCol)
  def setEmbeddingsCol(value: String): this.type = set(embeddingsCol, value)
  def getEmbeddingsCol: Option[String] = get(embeddingsCol)
  def setIndexPath(value: String): this.type = set(indexPath, value)
  def getIndexPath: Option[String] = get(indexPath)
  def setMethod(value: String): this.type = set(method, value)
  def getMethod: String = $(method)
  def setTopK(value: Int): this.type = set(topK, value)
  def getTopK: Int = $(topK)
  def setOrderCol(value: String): this.type = set(orderCol, value)
  def getOrderCol: Option[String] = get(orderCol)
  def setGroupCol(value: String): this.type = set(groupCol, value)
  def getGroupCol: String = $(groupCol)
  def setRepresentativeCol(value: String): this.type = set(representativeCol, value)
  def getRepresentativeCol: String = $(representativeCol)
  def setMaxHashDistance(value: Int): this.type = set(maxHashDistance, value)
  def getMaxHashDistance: Int = $(maxHashDistance)
  def setMinSimilarity(value: Double): this.type = set(minSimilarity, value)
  def getMinSimilarity: Double = $(minSimilarity)
  def setMatching(value: String): this.type = set(matching, value)
  def getMatching: String = $(matching)
}

private[ml] object DeduplicationParams {
  val Either = "either"
  val Both = "both"
  val Matchings: Seq[String] = Seq(Either, Both)

  /** At larger distances unrelated images are near each other too, and every image would have to be compared with every other. */
  val LargestDistance = 16
}
