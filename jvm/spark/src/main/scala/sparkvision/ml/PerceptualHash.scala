package sparkvision.ml

import org.apache.spark.ml.Transformer
import org.apache.spark.ml.param._
import org.apache.spark.ml.util.{DefaultParamsReadable, DefaultParamsWritable, Identifiable}
import org.apache.spark.sql.types.{LongType, StringType, StructField, StructType}
import org.apache.spark.sql.{DataFrame, Dataset}

import sparkvision.image.hash.HashAlgorithm
import sparkvision.ml.column.{ColumnNames, ImageColumn}
import sparkvision.ml.param.AllowedValues.OneOf
import sparkvision.ml.param.{HasErrorCol, HasInputCols, ImageInputParams, ImageLimitsParams}
import sparkvision.ml.plan.RowMapping
import sparkvision.ml.task.HashImages

/** Computes a perceptual hash of each image: 64 bits, in few of which similar images differ.
  *
  * The bits are those of the Python library imagehash: `lower(lpad(hex(hash), 16, '0'))` in SQL equals
  * `str(imagehash.phash(image))`.
  *
  * {{{
  * new PerceptualHash().setInputCols("content").setHashCol("hash").transform(spark.read.format("binaryFile").load("photos"))
  * }}}
  */
class PerceptualHash(override val uid: String)
    extends Transformer
    with HasInputCols
    with HasErrorCol
    with ImageInputParams
    with ImageLimitsParams
    with DefaultParamsWritable {
  def this() = this(Identifiable.randomUID("PerceptualHash"))

  final val hashCol: Param[String] =
    new Param(this, "hashCol", "bigint column to add with the hashes, null for an image that cannot be used")
  final val algorithm: Param[String] = new Param(
    this,
    "algorithm",
    "hash function of the library imagehash: phash compares frequencies and tolerates more changes, dhash compares neighbouring pixels",
    OneOf("algorithm", HashAlgorithm.all.map(_.name))
  )
  setDefault(hashCol -> "hash", algorithm -> HashAlgorithm.PHash.name)

  def setHashCol(value: String): this.type = set(hashCol, value)
  def getHashCol: String = $(hashCol)
  def setAlgorithm(value: String): this.type = set(algorithm, value)
  def getAlgorithm: String = $(algorithm)

  override def transform(dataset: Dataset[_]): DataFrame = {
    val _ = transformSchema(dataset.schema)
    val hashing =
      HashImages(uid, HashAlgorithm.parse(getAlgorithm), getMaxImagePixels, getBadImageMode, getErrorCol.nonEmpty)
    RowMapping.ofImages(dataset, ImageColumn.nameOf(this), getOriginCol, added, hashing)
  }

  override def transformSchema(schema: StructType): StructType = {
    val _ = ImageColumn.of(schema, ImageColumn.nameOf(this), getOriginCol)
    ColumnNames.append(schema, added)
  }

  private def added: Seq[StructField] =
    StructField(getHashCol, LongType) +: getErrorCol.map(StructField(_, StringType)).toSeq

  override def copy(extra: ParamMap): PerceptualHash = defaultCopy(extra)
}

object PerceptualHash extends DefaultParamsReadable[PerceptualHash] {
  override def load(path: String): PerceptualHash = super.load(path)
}
