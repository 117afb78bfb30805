package sparkvision.ml.plan

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.expressions.{Expression, ScalaUDF}
import org.apache.spark.sql.types.{BinaryType, DataType, IntegerType}
import org.apache.spark.util.SerializableConfiguration

import sparkvision.engine.{ImageDecoder, ImageException, Picture, Thumbnail}
import sparkvision.ml.PictureReader

/** `sparkvision_thumbnail(picture[, side])` in SQL: executors send pages small pictures, and not the large ones. */
private[ml] object ThumbnailPicture {
  val Name = "sparkvision_thumbnail"
  val Usage: String =
    "_FUNC_(picture[, side]) - A small JPEG of a picture, its longer side 128 pixels unless told; null for one that " +
      "cannot be used."
  private val DefaultSide = 128

  /** @throws PlanningException
    *   when the arguments are not a picture and, if you like, a positive constant
    */
  def of(arguments: Seq[Expression]): Expression = arguments match {
    case Seq(picture) => thumbnail(picture, DefaultSide)
    case Seq(picture, side) if side.foldable && side.dataType == IntegerType =>
      side.eval() match {
        case pixels: Int if pixels > 0 => thumbnail(picture, pixels)
        case other => throw new PlanningException(s"$Name: side is $other; it must be at least 1.")
      }
    case _ => throw new PlanningException(s"$Name takes a picture and, if you like, its side: a constant int.")
  }

  private def thumbnail(picture: Expression, side: Int): Expression = {
    if (!PictureReader.reads(picture.dataType))
      throw new PlanningException(
        s"$Name: its first argument has type ${picture.dataType.simpleString}, which cannot hold pictures."
      )
    val reader = new PictureReader(picture.dataType, configuration(picture.dataType))
    val small = (value: Any) => jpeg(reader(value).picture, side)
    ScalaUDF(small, BinaryType, Seq(picture), udfName = Some(Name))
  }

  private def configuration(dataType: DataType) = Option.when(PictureReader.readsFiles(dataType)) {
    val context = SparkSession.active.sparkContext
    context.broadcast(new SerializableConfiguration(context.hadoopConfiguration))
  }

  private def jpeg(picture: Picture, side: Int): Array[Byte] =
    try
      picture match {
        case Picture.Encoded(bytes) => Thumbnail.jpeg(ImageDecoder.decode(bytes), side)
        case Picture.Decoded(pixels) => Thumbnail.jpeg(pixels, side)
        case Picture.Unusable(_) => null
      }
    catch { case _: ImageException => null }
}
