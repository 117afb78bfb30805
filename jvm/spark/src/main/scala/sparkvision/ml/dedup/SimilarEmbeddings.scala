package sparkvision.ml.dedup

import org.apache.spark.sql.DataFrame
import org.apache.spark.sql.functions._
import org.apache.spark.sql.types.StringType

import sparkvision.engine.similarity.SearchMethod
import sparkvision.ml.param.SimilarityParams
import sparkvision.ml.similarity.FindSimilar

/** Finds images whose embeddings have a large cosine among each one's most similar ones in an index. */
private[ml] object SimilarEmbeddings {

  /** What a cosine in float32 may lack: copies are to be found with a least similarity of 1 too. */
  private val Rounding = 1e-6

  /** @param images
    *   columns `node`, `id`, `hash` (null: unknown) and `embedding`
    * @param maxHashDistance
    *   bits in which hashes may differ, if they count too
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
    // What is in the index, but not among these images, goes here.
    val neighbours = named.select(col("id"), col("node").as("neighbour"), col("hash").as("other"))
    val pairs = found.join(neighbours, col("similar.id") === col("id")).where("node != neighbour")
    val near = maxHashDistance.fold(pairs)(bits => pairs.where(bit_count(col("hash").bitwiseXOR(col("other"))) <= bits))
    near.select("node", "neighbour")
  }
}
