package sparkvision.ml

import org.apache.spark.ml.Transformer
import org.apache.spark.ml.param._
import org.apache.spark.ml.util.{DefaultParamsReadable, DefaultParamsWritable, Identifiable}
import org.apache.spark.sql.types.{ArrayType, StructField, StructType}
import org.apache.spark.sql.{DataFrame, Dataset, Row}

import sparkvision.engine.{ImageDecoder, ImageException, ImageFormat, Picture, Pixels}

/** Brings pictures, however a table holds them, into a column of `image` annotations.
  *
  * {{{
  * new ImageAssembler().setInputCol("content").setOutputCol("image").transform(spark.read.format("binaryFile").load("photos"))
  * }}}
  *
  * The pictures stay encoded, so that rows stay small; `setDecode(true)` decodes them here. A picture that is missing, or
  * cannot be read or decoded, keeps its row: its annotation has no `result`, and the reason under `error` in its
  * metadata. Without decoding, a damaged file is noticed by the stage that decodes it.
  */
class ImageAssembler(override val uid: String)
    extends Transformer
    with HasOutputCol
    with PictureInputParams
    with DefaultParamsWritable {
  def this() = this(Identifiable.randomUID("ImageAssembler"))

  final val inputCol: Param[String] = new Param(
    this,
    "inputCol",
    "column that holds the pictures: encoded bytes, paths, or binaryFile or image structs"
  )
  final val decode: BooleanParam = new BooleanParam(
    this,
    "decode",
    "whether pictures are decoded here (8-bit BGR, as Spark's image source): nine times larger rows"
  )
  setDefault(inputCol -> "content", outputCol -> "image", decode -> false)

  def setInputCol(value: String): this.type = set(inputCol, value)
  def getInputCol: String = $(inputCol)
  def setDecode(value: Boolean): this.type = set(decode, value)
  def getDecode: Boolean = $(decode)

  override def transform(dataset: Dataset[_]): DataFrame = {
    val schema = transformSchema(dataset.schema)
    val context = dataset.sparkSession.sparkContext
    val pictures = PictureColumn.of(dataset.schema, getInputCol, getOriginCol, context)
    val decoding = getDecode
    RowMapping(dataset, schema) { rows =>
      rows.map(row => Row.fromSeq(row.toSeq :+ Seq(ImageAssembler.annotation(pictures(row), decoding))))
    }
  }

  override def transformSchema(schema: StructType): StructType = {
    PictureColumn.checkSchema(schema, getInputCol, getOriginCol)
    val annotations = ArrayType(Annotation.imageType)
    RowMapping.append(schema, Seq(StructField($(outputCol), annotations, true, Annotation.columnMetadata("image"))))
  }

  override def copy(extra: ParamMap): ImageAssembler = defaultCopy(extra)
}

object ImageAssembler extends DefaultParamsReadable[ImageAssembler] {
  override def load(path: String): ImageAssembler = super.load(path)

  private def annotation(source: SourcePicture, decoding: Boolean): Row = source.picture match {
    case Picture.Encoded(bytes) if decoding =>
      try annotation(source.copy(picture = Picture.Decoded(ImageDecoder.decode(bytes))), decoding)
      catch { case e: ImageException => annotation(source.copy(picture = Picture.Unusable(e.reason)), decoding) }
    case Picture.Encoded(bytes) =>
      Annotation.image(source.facts, bytes, ImageFormat.of(bytes).map(format => "format" -> format.name).toMap)
    case Picture.Decoded(pixels) => Annotation.image(source.facts, Pixels.toOpenCv(pixels), Map.empty)
    case Picture.Unusable(reason) => Annotation.image(source.facts, null, Map(PictureColumn.ReasonKey -> reason))
  }
}
