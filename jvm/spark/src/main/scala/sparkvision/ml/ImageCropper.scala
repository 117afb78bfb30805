package sparkvision.ml

import org.apache.spark.ml.Transformer
import org.apache.spark.ml.param._
import org.apache.spark.ml.util.{DefaultParamsReadable, DefaultParamsWritable, Identifiable}
import org.apache.spark.sql.types.{StringType, StructField, StructType}
import org.apache.spark.sql.{DataFrame, Dataset}

import sparkvision.image.ParameterException
import sparkvision.ml.column.{Annotation, ColumnNames, DetectedBox, ImageColumn}
import sparkvision.ml.param.{HasErrorCol, HasInputCols, HasOutputCol, ImageInputParams, ImageLimitsParams}
import sparkvision.ml.plan.RowMapping
import sparkvision.ml.task.CropImages

/** Crops the boxes that a detection stage found from their images. Each crop is an image annotation, which the next stage
  * reads.
  *
  * {{{
  * val cropper = new ImageCropper().setInputCols("image", "detections").setOutputCol("crop").setExplode(true)
  * new Pipeline().setStages(Array(detector, cropper, embeddings.setInputCols("crop")))
  * }}}
  *
  * Input: a column of images, of any kind that vision stages read, and a column of detections like `detectionsCol`.
  * Output: an array of decoded image annotations, with the crops of each image in the order of its boxes; with explode, a
  * row for each crop. An image that an earlier stage has decoded in the same task is not decoded again.
  */
class ImageCropper(override val uid: String)
    extends Transformer
    with HasInputCols
    with HasOutputCol
    with HasErrorCol
    with ImageInputParams
    with ImageLimitsParams
    with DefaultParamsWritable {
  def this() = this(Identifiable.randomUID("ImageCropper"))

  private[ml] override def inputColsDoc: String =
    "two columns: the images, and their detections as array<struct<label, score, box:struct<xmin, ymin, xmax, ymax>>> in " +
      "pixels of the upright image"

  final val explode: BooleanParam = new BooleanParam(
    this,
    "explode",
    "whether each crop gets a row of its own, which the next stage can read, instead of one row for all crops of an image"
  )
  final val keepEmpty: BooleanParam = new BooleanParam(
    this,
    "keepEmpty",
    "whether an image without detections keeps a row, without a crop, when explode is true"
  )
  setDefault(
    inputCols -> Array("image", "detections"),
    outputCol -> "crop",
    explode -> false,
    keepEmpty -> false
  )

  def setExplode(value: Boolean): this.type = set(explode, value)
  def getExplode: Boolean = $(explode)
  def setKeepEmpty(value: Boolean): this.type = set(keepEmpty, value)
  def getKeepEmpty: Boolean = $(keepEmpty)

  override def transform(dataset: Dataset[_]): DataFrame = {
    val _ = transformSchema(dataset.schema)
    val function =
      CropImages(uid, getBadImageMode, getMaxImagePixels, getExplode, getKeepEmpty, withReason = isSet(errorCol))
    val (images, detections) = columns
    val place = ColumnNames.indexOf(dataset.schema, detections, "the detections")
    RowMapping.ofImages(dataset, images, getOriginCol, outputFields, function, Some(place))
  }

  override def transformSchema(schema: StructType): StructType = {
    val (images, detections) = columns
    val _ = ImageColumn.of(schema, images, getOriginCol)
    val dataType = schema(ColumnNames.indexOf(schema, detections, "the detections")).dataType
    if (!DetectedBox.areIn(dataType))
      throw new ParameterException(
        s"The column '$detections' has type ${dataType.simpleString}, which cannot hold detections. It may be what " +
          "detectionsCol of a detection stage names, or boxes of your own: array<struct<box:struct<xmin:float," +
          "ymin:float,xmax:float,ymax:float>>>."
      )
    ColumnNames.append(schema, outputFields)
  }

  private def columns: (String, String) = getInputCols match {
    case Array(images, detections) => (images, detections)
    case other =>
      throw new ParameterException(
        s"$uid takes two input columns, the images and their detections, not ${other.length} (${other.mkString(", ")}): " +
          "setInputCols([\"image\", \"detections\"])."
      )
  }

  private def outputFields: Seq[StructField] =
    Annotation.imageField($(outputCol)) +: getErrorCol.map(StructField(_, StringType)).toSeq

  override def copy(extra: ParamMap): ImageCropper = defaultCopy(extra)
}

object ImageCropper extends DefaultParamsReadable[ImageCropper] {
  override def load(path: String): ImageCropper = super.load(path)
}
