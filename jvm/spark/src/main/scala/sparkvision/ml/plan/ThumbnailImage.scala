package sparkvision.ml.plan

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.expressions.{Expression, ScalaUDF}
import org.apache.spark.sql.types.{BinaryType, DataType, IntegerType}
import org.apache.spark.util.SerializableConfiguration

import sparkvision.image.codec.ImageDecoder
import sparkvision.image.resample.Thumbnail
import sparkvision.image.{ImageException, ImageInput}
import sparkvision.ml.column.ImageReader

/** `sparkvision_thumbnail(image[, side])` in SQL, so that executors send small images to HTML pages instead of large ones. */
private[ml] object ThumbnailImage {
  val Name = "sparkvision_thumbnail"
  val Usage: String =
    "_FUNC_(image[, side]) - A small JPEG of an image, whose longer side has 128 pixels or `side`; null for an image " +
      "that cannot be used."
  private val DefaultSide = 128

  /** @throws PlanningException
    *   when the arguments are not an image and, optionally, a positive constant
    */
  def of(arguments: Seq[Expression]): Expression = arguments match {
    case Seq(image) => thumbnail(image, DefaultSide)
    case Seq(image, side) if side.foldable && side.dataType == IntegerType =>
      side.eval() match {
        case pixels: Int if pixels > 0 => thumbnail(image, pixels)
        case other => throw new PlanningException(s"$Name: side is $other; it must be at least 1.")
      }
    case _ => throw new PlanningException(s"$Name takes an image and, optionally, its side: a constant int.")
  }

  private def thumbnail(image: Expression, side: Int): Expression = {
    if (!ImageReader.reads(image.dataType))
      throw new PlanningException(
        s"$Name: its first argument has type ${image.dataType.simpleString}, which cannot hold images."
      )
    val reader = new ImageReader(image.dataType, configuration(image.dataType))
    val small = (value: Any) => jpeg(reader(value).image, side)
    ScalaUDF(small, BinaryType, Seq(image), udfName = Some(Name))
  }

  /** Not in a broadcast, because an expression is made while a query is analysed: the tasks of the function contain it. */
  private def configuration(dataType: DataType) = Option.when(ImageReader.readsFiles(dataType)) {
    val hadoop = new SerializableConfiguration(SparkSession.active.sparkContext.hadoopConfiguration)
    () => hadoop.value
  }

  private def jpeg(image: ImageInput, side: Int): Array[Byte] =
    try
      image match {
        case ImageInput.Encoded(bytes) => Thumbnail.jpeg(ImageDecoder.decode(bytes), side)
        case ImageInput.Decoded(pixels) => Thumbnail.jpeg(pixels, side)
        case ImageInput.Unusable(_) => null
      }
    catch { case _: ImageException => null }
}
