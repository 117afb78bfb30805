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

/** Finds the images of an index that are most similar to each image of a table, by the cosine of their embeddings.
  *
  * {{{
  * SimilarImages.build(catalogue, "hdfs:///indexes/catalogue", idCol = "path", embeddingsCol = "features")
  * new SimilarImages().setIndexPath("hdfs:///indexes/catalogue").setTopK(5).transform(queries)
  * }}}
  *
  * Adds `outputCol`, an `array<struct<id:string, score:float>>`, best first, and by id where scores are equal. An image
  * that is in the index finds itself. An embedding that is null, has another length than those of the index, or consists of
  * zeros or of numbers that are not finite gets null, and the reason in `errorCol`. Each executor keeps a copy of the index
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
    throw new ParameterException(
      s"$uid has no index: create an index with SimilarImages.build, and name its folder with setIndexPath."
    )
  }

  override def copy(extra: ParamMap): SimilarImages = defaultCopy(extra)
}

object SimilarImages extends DefaultParamsReadable[SimilarImages] {
  override def load(path: String): SimilarImages = super.load(path)

  /** Writes an index of the embeddings of a table, one shard per partition.
    *
    * @param dataset
    *   a table, not a stream
    * @param indexPath
    *   a folder, any URI that Hadoop writes to, that is new, empty or holds an index; all executors must be able to reach it
    * @param idCol
    *   the column of the images' ids; each row is an entry of the index, even if ids repeat
    * @param embeddingsCol
    *   a column of ML vectors or arrays of numbers of one length. Rows without a usable vector or without an id are skipped
    *   and counted
    * @param method
    *   `approximate` also builds graphs of neighbours, which takes most of the time; the index then serves both methods
    * @param overwrite
    *   whether to replace an existing index
    * @param shards
    *   the number of shards; 0: one per partition, for `approximate` at most one per core of the cluster. Each approximate
    *   search reads all of them
    * @param m
    *   the number of neighbours that each vector of a graph is linked to
    * @param efConstruction
    *   the number of candidates from which these neighbours are chosen
    * @throws ParameterException
    *   for a stream, a missing column, an existing index, or a folder that holds something else
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
