package sparkvision.ml.dedup

import org.apache.spark.sql.expressions.Window
import org.apache.spark.sql.functions._
import org.apache.spark.sql.types.StringType
import org.apache.spark.sql.{DataFrame, Dataset, Encoders}

import sparkvision.engine.similarity.SearchMethod
import sparkvision.image.ParameterException
import sparkvision.ml.dedup.ConnectedComponents.Edge
import sparkvision.ml.param.SimilarityParams
import sparkvision.ml.similarity.FindSimilar

/** Groups images that are duplicates of each other, directly or through others. */
private[ml] object DuplicateGroups {

  /** The groups. This runs jobs.
    *
    * @param images
    *   columns `id`, `order`, `hash` and `embedding`, null where a value is unknown
    * @return
    *   for each image its id, the id of its group, and whether the image represents the group
    * @throws ParameterException
    *   when an id is null or repeats
    */
  def of(images: DataFrame, settings: DuplicateSettings): DataFrame = {
    // Numbers for nodes, which take less space than ids. They must not change when a lost partition is computed again.
    val nodes = Checkpoint(images.withColumn("node", monotonically_increasing_id()))
    requireUnique(nodes.select("id"))
    val stars = ConnectedComponents.of(edges(nodes, settings).rdd)
    val firsts = images.sparkSession.createDataset(stars)(edgeEncoder).toDF("node", "first")
    val group = Window.partitionBy(coalesce(col("first"), col("node"))).orderBy(col("order").desc_nulls_last, col("id"))
    nodes
      .join(firsts, Seq("node"), "left")
      .withColumn("group", first("id").over(group))
      .select(col("id"), col("group"), col("id") === col("group"))
  }

  private val edgeEncoder = Encoders.tuple(Encoders.scalaLong, Encoders.scalaLong)

  private def edges(nodes: DataFrame, settings: DuplicateSettings): Dataset[Edge] = {
    def byHash = settings.maxHashDistance.map(hashEdges(nodes, _))
    def byEmbedding(maxHashDistance: Option[Int]) =
      settings.embeddings.map(SimilarEmbeddings.edges(nodes, _, maxHashDistance).as(edgeEncoder))
    val kinds = if (settings.needsBoth) byEmbedding(settings.maxHashDistance).toSeq else byHash ++ byEmbedding(None)
    kinds.reduce(_ union _)
  }

  private def hashEdges(nodes: DataFrame, distance: Int): Dataset[Edge] = {
    // Equal hashes first: a million copies of one image become a star instead of all their pairs.
    val copies = nodes
      .where(col("hash").isNotNull)
      .select(col("node"), col("hash"), min("node").over(Window.partitionBy("hash")).as("first"))
    val equal = copies.where("node != first").select("node", "first").as(edgeEncoder)
    if (distance == 0) equal
    else equal.union(SimilarHashes.edges(copies.where("node = first"), nodes.count(), distance))
  }

  private def requireUnique(ids: DataFrame): Unit =
    ids.groupBy("id").count().where("id is null or count > 1").orderBy("id").head(1).foreach { row =>
      val what =
        if (row.isNullAt(0)) s"${row.getLong(1)} rows have no id"
        else s"${row.getLong(1)} rows have the id '${row.get(0)}'"
      throw new ParameterException(
        s"$what in idCol, by which rows and groups are matched: give each row a unique id, such as its path."
      )
    }
}

/** The conditions under which two images are duplicates. Compared by value, as plans are.
  *
  * @param maxHashDistance
  *   bits in which hashes may differ; None: hashes are not compared
  * @param embeddings
  *   None: embeddings are not compared
  * @param needsBoth
  *   whether images must be similar by hash and by embedding, if both are compared
  */
final private[ml] case class DuplicateSettings(
    maxHashDistance: Option[Int],
    embeddings: Option[EmbeddingSettings],
    needsBoth: Boolean
)

/** @param indexPath
  *   the folder of the index of the embeddings
  * @param method
  *   the search method
  * @param topK
  *   the number of the most similar images that are considered for each image
  * @param minSimilarity
  *   the minimum cosine of duplicates
  */
final private[ml] case class EmbeddingSettings(indexPath: String, method: String, topK: Int, minSimilarity: Double)

/** Finds pairs of images whose embeddings have a large cosine, among the most similar images of each in an index. */
private[ml] object SimilarEmbeddings {

  /** The rounding error of a cosine in float32, so that copies are found with a minimum similarity of 1 too. */
  private val Rounding = 1e-6

  /** @param images
    *   columns `node`, `id`, `hash` (null: unknown) and `embedding`
    * @param maxHashDistance
    *   bits in which hashes may differ, if hashes are compared too
    * @return
    *   bigint columns `node` and `neighbour`
    */
  def edges(images: DataFrame, settings: EmbeddingSettings, maxHashDistance: Option[Int]): DataFrame = {
    val named = images.withColumn("id", col("id").cast(StringType))
    val found = FindSimilar
      .in(
        named,
        "embedding",
        name = "ImageDeduplicator",
        settings.indexPath,
        SearchMethod.parse(settings.method),
        topK = settings.topK + 1, // each embedding finds itself too
        efSearch = SimilarityParams.EfSearch,
        batchSize = SimilarityParams.BatchSize,
        outputCol = "similar"
      )
      .select(col("node"), col("hash"), explode(col("similar")).as("similar"))
      .where(col("similar.score") >= settings.minSimilarity - Rounding)
      .hint("merge") // in a broadcast the search would have five minutes
    // This drops neighbours that are in the index but not among these images.
    val neighbours = named.select(col("id"), col("node").as("neighbour"), col("hash").as("other"))
    val pairs = found.join(neighbours, col("similar.id") === col("id")).where("node != neighbour")
    val near = maxHashDistance.fold(pairs)(bits => pairs.where(bit_count(col("hash").bitwiseXOR(col("other"))) <= bits))
    near.select("node", "neighbour")
  }
}
