package sparkvision.ml

import org.apache.spark.ml.Transformer
import org.apache.spark.ml.param.ParamMap
import org.apache.spark.ml.util.{DefaultParamsReadable, DefaultParamsWritable, Identifiable}
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.{DataFrame, Dataset}

import sparkvision.engine.similarity.{HnswSettings, SearchMethod}
import sparkvision.image.ParameterException
import sparkvision.ml.column.{ColumnNames, VectorColumn}
import sparkvision.ml.param.SimilarityParams
import sparkvision.ml.similarity.{FindSimilar, SimilarityIndexBuilder, SimilarityIndexSummary}

/** Names the images of an index that are most similar to each image of a table, by the cosine of their embeddings.
  *
  * {{{
  * SimilarImages.build(catalogue, "hdfs:///indexes/catalogue", idCol = "path", embeddingsCol = "features")
  * new SimilarImages().setIndexPath("hdfs:///indexes/catalogue").setTopK(5).transform(queries)
  * }}}
  *
  * Adds `outputCol`, `array<struct<id:string, score:float>>`, the best first, of equally good ones in the order of their
  * ids. An image that is in the index finds itself. An embedding that is null, of another length than the index's, all
  * zeros, or not of finite numbers has a null there, and the reason in `errorCol`. Each executor keeps a copy of the index
  * on its disk, mapped into memory.
  */
class SimilarImages(override val uid: String) extends Transformer with SimilarityParams with DefaultParamsWritable {
  def this() = this(Identifiable.randomUID("SimilarImages"))

  override def transform(dataset: Dataset[_]): DataFrame = {
    val _ = transformSchema(dataset.schema)
    FindSimilar.in(
      dataset,
      getEmbeddingsCol,
      name = uid,
      indexUri,
      SearchMethod.parse(getMethod),
      getTopK,
      getEfSearch,
      getBatchSize,
      getOutputCol,
      getErrorCol
    )
  }

  override def transformSchema(schema: StructType): StructType = {
    val _ = (indexUri, VectorColumn.indexOf(schema, getEmbeddingsCol))
    ColumnNames.append(schema, FindSimilar.fields(getOutputCol, getErrorCol))
  }

  private def indexUri: String = getIndexPath.getOrElse {
    throw new ParameterException(s"$uid has no index: SimilarImages.build makes one, and setIndexPath names it.")
  }

  override def copy(extra: ParamMap): SimilarImages = defaultCopy(extra)
}

object SimilarImages extends DefaultParamsReadable[SimilarImages] {
  override def load(path: String): SimilarImages = super.load(path)

  /** Writes the index of a table's embeddings, one shard a partition.
    *
    * @param dataset
    *   a table, not a stream
    * @param indexPath
    *   a folder, any URI that Hadoop writes to, new, empty or an index's; all executors must reach it
    * @param idCol
    *   names the images; each row is one of the index, also where ids are there twice
    * @param embeddingsCol
    *   vectors of Spark ML, or arrays of numbers; of one length. Rows without a usable
    *   one, or without an id, are left out and counted
    * @param method
    *   `approximate` also builds graphs of neighbours, which takes most of the time; the index can then be searched both ways
    * @param overwrite
    *   whether to replace an index that is there
    * @param shards
    *   0: as many as partitions, of `approximate` at most as many as the cluster has cores. Each approximate search walks
    *   through all of them
    * @param m
    *   neighbours that each vector of a graph is linked to
    * @param efConstruction
    *   candidates that they are chosen from
    * @throws ParameterException
    *   for a stream, a column that is not there, an index that is there already, or a folder that holds something else
    * @throws SimilarityIndexException
    *   when no row has a usable embedding, one has another length than the others, or the index cannot be written
    */
  def build(
      dataset: Dataset[_],
      indexPath: String,
      idCol: String = "path",
      embeddingsCol: String = SimilarityParams.EmbeddingsCol,
      method: String = SearchMethod.Exact.name,
      overwrite: Boolean = false,
      shards: Int = 0,
      m: Int = HnswSettings.DefaultM,
      efConstruction: Int = HnswSettings.DefaultEfConstruction
  ): SimilarityIndexSummary = {
    val graph = Option.when(SearchMethod.parse(method) == SearchMethod.Approximate)(HnswSettings(m, efConstruction))
    new SimilarityIndexBuilder(dataset, idCol, embeddingsCol, graph, shards).build(indexPath, overwrite)
  }
}
