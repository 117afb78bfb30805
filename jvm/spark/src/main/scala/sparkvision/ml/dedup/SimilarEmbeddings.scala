package sparkvision.ml.dedup

import org.apache.spark.sql.DataFrame
import org.apache.spark.sql.functions._
import org.apache.spark.sql.types.StringType

import sparkvision.ml.SimilarImages

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
    val search = new SimilarImages()
      .setIndexPath(settings.indexPath)
      .setMethod(settings.method)
      .setTopK(settings.topK + 1) // each finds itself too
      .setEmbeddingsCol("embedding")
      .setOutputCol("similar")
    val found = search
      .transform(named)
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
