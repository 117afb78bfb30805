package sparkvision.ml

import org.apache.spark.ml.Transformer
import org.apache.spark.ml.param._
import org.apache.spark.ml.util.{DefaultParamsReadable, DefaultParamsWritable, Identifiable}
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.{DataFrame, Dataset}

import sparkvision.ml.column.{Annotation, ColumnNames, ImageColumn}
import sparkvision.ml.param.{HasOutputCol, ImageInputParams}
import sparkvision.ml.plan.RowMapping
import sparkvision.ml.task.AssembleImages

/** Converts images, in whichever form a table holds them, to a column of `image` annotations.
  *
  * {{{
  * new ImageAssembler().setInputCol("content").setOutputCol("image").transform(spark.read.format("binaryFile").load("photos"))
  * }}}
  *
  * The images stay encoded, so that rows stay small; `setDecode(true)` decodes them here. An image that is missing, or
  * cannot be read or decoded, keeps its row: its annotation has no `result`, and `error` in its metadata is the reason.
  * Without decoding, the stage that decodes an image reports damage.
  */
class ImageAssembler(override val uid: String)
    extends Transformer
    with HasOutputCol
    with ImageInputParams
    with DefaultParamsWritable {
  def this() = this(Identifiable.randomUID("ImageAssembler"))

  final val inputCol: Param[String] = new Param(
    this,
    "inputCol",
    "column of the images: encoded bytes, paths, or binaryFile or image structs"
  )
  final val decode: BooleanParam = new BooleanParam(
    this,
    "decode",
    "whether images are decoded here (8-bit BGR, as in Spark's image source), which makes rows about nine times larger"
  )
  setDefault(inputCol -> "content", outputCol -> "image", decode -> false)

  def setInputCol(value: String): this.type = set(inputCol, value)
  def getInputCol: String = $(inputCol)
  def setDecode(value: Boolean): this.type = set(decode, value)
  def getDecode: Boolean = $(decode)

  override def transform(dataset: Dataset[_]): DataFrame = {
    val _ = transformSchema(dataset.schema)
    RowMapping.ofImages(dataset, getInputCol, getOriginCol, Seq(outputField), AssembleImages(uid, getDecode))
  }

  override def transformSchema(schema: StructType): StructType = {
    val _ = ImageColumn.of(schema, getInputCol, getOriginCol)
    ColumnNames.append(schema, Seq(outputField))
  }

  private def outputField = Annotation.imageField($(outputCol))

  override def copy(extra: ParamMap): ImageAssembler = defaultCopy(extra)
}

object ImageAssembler extends DefaultParamsReadable[ImageAssembler] {
  override def load(path: String): ImageAssembler = super.load(path)
}
