package sparkvision.ml

import org.apache.spark.ml.Transformer
import org.apache.spark.ml.param.ParamMap
import org.apache.spark.ml.util.{DefaultParamsReadable, DefaultParamsWritable, Identifiable}
import org.apache.spark.sql.types._
import org.apache.spark.sql.{DataFrame, Dataset}

import sparkvision.image.ParameterException
import sparkvision.ml.column.{ColumnNames, VectorColumn}
import sparkvision.ml.dedup.{DuplicateSettings, EmbeddingSettings, GroupDuplicates}
import sparkvision.ml.param.DeduplicationParams

/** Groups images that are duplicates of each other, directly or through others, and chooses a representative of each group.
  *
  * Every row is kept, with the id of its group's representative. An image without hash and embedding is a group of its own.
  * `transform` runs no job: the jobs run each time when the result is used, so write the result to a table or cache it.
  *
  * {{{
  * val hashed = new PerceptualHash().setInputCols("content").transform(images)
  * val grouped = new ImageDeduplicator().setIdCol("path").setHashCol("hash").transform(hashed)
  * grouped.where("representative")                                      // one image of each group
  * }}}
  */
class ImageDeduplicator(override val uid: String)
    extends Transformer
    with DeduplicationParams
    with DefaultParamsWritable {
  import ImageDeduplicator._

  def this() = this(Identifiable.randomUID("ImageDeduplicator"))

  override def transform(dataset: Dataset[_]): DataFrame = {
    val _ = transformSchema(dataset.schema)
    if (dataset.isStreaming)
      throw new ParameterException(
        s"$uid cannot group a streaming DataFrame: an image that comes later may join groups that were already returned. " +
          "Use it on batches, as within foreachBatch, or on the table that the stream writes."
      )
    val schema = dataset.schema
    def index(column: Option[String]) = column.map(ColumnNames.indexOf(schema, _, "the images"))
    val id = ColumnNames.indexOf(schema, idColumn, "the ids (idCol)")
    val columns = GroupDuplicates.Columns(id, index(getHashCol), index(getEmbeddingsCol), index(getOrderCol))
    GroupDuplicates.of(dataset, columns, settings, added(schema(id).dataType))
  }

  override def transformSchema(schema: StructType): StructType = {
    val idType = typeOf(schema, idColumn, "the ids (idCol)", IdTypes)
    if (getHashCol.isEmpty && getEmbeddingsCol.isEmpty)
      throw new ParameterException(s"$uid has nothing to compare: set hashCol, embeddingsCol, or both.")
    getHashCol.foreach(typeOf(schema, _, "the hashes (hashCol)", Seq(LongType)))
    getEmbeddingsCol.foreach(VectorColumn.indexOf(schema, _))
    getOrderCol.foreach { name =>
      val found = schema(ColumnNames.indexOf(schema, name, "the order of representatives (orderCol)")).dataType
      if (!GroupDuplicates.isOrderable(found))
        throw new ParameterException(
          s"The column '$name' of orderCol has type ${found.simpleString}, which has no order."
        )
    }
    ColumnNames.append(schema, added(idType))
  }

  private def added(idType: DataType) =
    Seq(StructField(getGroupCol, idType), StructField(getRepresentativeCol, BooleanType))

  private def idColumn: String = getIdCol.getOrElse {
    throw new ParameterException(s"$uid has no idCol: set it to a column with a unique id for each row, such as path.")
  }

  private def settings: DuplicateSettings = {
    val byHash = getHashCol.map(_ => getMaxHashDistance)
    val byEmbedding = getEmbeddingsCol.map(_ => EmbeddingSettings(indexUri, getMethod, getTopK, getMinSimilarity))
    DuplicateSettings(byHash, byEmbedding, needsBoth = bothAreCompared && getMatching == DeduplicationParams.Both)
  }

  private def bothAreCompared: Boolean = getHashCol.isDefined && getEmbeddingsCol.isDefined

  private def indexUri: String = getIndexPath.getOrElse {
    throw new ParameterException(
      s"$uid needs an index of the embeddings: create it with SimilarImages.build, and name its folder with setIndexPath."
    )
  }

  override def copy(extra: ParamMap): ImageDeduplicator = defaultCopy(extra)
}

object ImageDeduplicator extends DefaultParamsReadable[ImageDeduplicator] {
  override def load(path: String): ImageDeduplicator = super.load(path)

  private val IdTypes = Seq(StringType, LongType, IntegerType, ShortType, ByteType)

  private def typeOf(schema: StructType, name: String, role: String, allowed: Seq[DataType]): DataType = {
    val found = schema(ColumnNames.indexOf(schema, name, role)).dataType
    if (!allowed.contains(found))
      throw new ParameterException(
        s"The column '$name' for $role has type ${found.simpleString}; it must be ${allowed.map(_.simpleString).mkString(" or ")}."
      )
    found
  }
}
