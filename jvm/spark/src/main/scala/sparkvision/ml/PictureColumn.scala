package sparkvision.ml

import java.io.IOException

import scala.util.Using
import scala.util.control.NonFatal

import org.apache.hadoop.fs.{Path => HadoopPath}
import org.apache.spark.SparkContext
import org.apache.spark.broadcast.Broadcast
import org.apache.spark.ml.image.ImageSchema
import org.apache.spark.sql.Row
import org.apache.spark.sql.types._
import org.apache.spark.util.SerializableConfiguration

import sparkvision.engine.{ImageException, ImageHeader, ParameterException, Picture, Pixels}

/** A picture as a row holds it, with the name it is reported by. */
final case class SourcePicture(picture: Picture, origin: String) {

  /** Size and kind, from the header alone; of an unusable picture only the origin is known. */
  def facts: PictureFacts = picture match {
    case Picture.Encoded(bytes) =>
      val (height, width) =
        try {
          val header = ImageHeader.read(bytes)
          (header.uprightHeight, header.uprightWidth)
        } catch { case _: ImageException => (0, 0) }
      PictureFacts(origin, height, width, nChannels = 3, mode = Annotation.EncodedMode)
    case Picture.Decoded(pixels) =>
      PictureFacts(origin, pixels.height, pixels.width, nChannels = 3, mode = PictureColumn.BgrMode)
    case Picture.Unusable(_) => PictureFacts(origin, 0, 0, 0, Annotation.EncodedMode)
  }
}

/** Reads the pictures of one column, whichever of the supported kinds it is. Runs inside tasks.
  *
  * @param read
  *   the picture in a non-null value of the column, with its own origin if it knows one
  * @param originIndex
  *   place of the column that the user says names pictures
  * @param defaultOriginIndex
  *   place of a column that names pictures which do not know their own
  */
final class PictureColumn private (
    index: Int,
    read: Any => SourcePicture,
    originIndex: Option[Int],
    defaultOriginIndex: Option[Int]
) extends Serializable {

  def apply(row: Row): SourcePicture = {
    val source =
      if (row.isNullAt(index)) SourcePicture(Picture.Unusable("the picture is null"), "")
      else
        try read(row.get(index))
        catch {
          case e: ImageException => SourcePicture(Picture.Unusable(e.reason), "")
          // Whatever a malformed row holds must not cost the other rows their results.
          case NonFatal(e) => SourcePicture(Picture.Unusable(s"the picture cannot be read: $e"), "")
        }
    val origin = originIn(row, originIndex)
      .orElse(Some(source.origin).filter(_.nonEmpty))
      .orElse(originIn(row, defaultOriginIndex))
    source.copy(origin = origin.getOrElse(""))
  }

  private def originIn(row: Row, column: Option[Int]): Option[String] =
    column.filterNot(row.isNullAt).map(row.getString)
}

object PictureColumn {

  /** OpenCV's CV_8UC3. */
  private[ml] val BgrMode: Int = ImageSchema.ocvTypes("CV_8UC3")
  private val DefaultOriginColumn = "path"

  /** No picture file is as large as this; something else would fill the executor's memory. */
  private val LargestFile = 1 << 30
  private val channelsOfMode = Map("CV_8UC1" -> 1, "CV_8UC3" -> 3, "CV_8UC4" -> 4).map { case (name, channels) =>
    ImageSchema.ocvTypes(name) -> channels
  }

  /** @param context
    *   tasks that read a column of paths are given its Hadoop configuration
    * @throws ParameterException
    *   when the schema has no such column, or one that cannot hold pictures
    */
  def of(
      schema: StructType,
      column: String,
      originCol: Option[String],
      context: SparkContext
  ): PictureColumn = {
    val (index, originIndex) = locate(schema, column, originCol)
    lazy val configuration = context.broadcast(new SerializableConfiguration(context.hadoopConfiguration))
    val defaultOrigin = ColumnNames.indicesOf(schema, DefaultOriginColumn).filter(schema(_).dataType == StringType)
    new PictureColumn(
      index,
      reader(schema(index).dataType, configuration).get,
      originIndex,
      defaultOrigin.headOption
    )
  }

  /** Refuses what [[of]] would refuse. */
  def checkSchema(schema: StructType, column: String, originCol: Option[String]): Unit = {
    val _ = locate(schema, column, originCol)
  }

  /** Places of the column that holds pictures and of the one that names them. */
  private def locate(schema: StructType, column: String, originCol: Option[String]): (Int, Option[Int]) = {
    val index = ColumnNames.indexOf(schema, column, "the pictures")
    val dataType = schema(index).dataType
    if (reader(dataType, null).isEmpty)
      throw new ParameterException(
        s"The column '$column' has type ${dataType.simpleString}, which cannot hold pictures. It may be " +
          "binary (encoded bytes), string (paths), a binaryFile or image struct, or ImageAssembler's output."
      )
    val originIndex = originCol.map(ColumnNames.indexOf(schema, _, "the pictures' names (originCol)"))
    originIndex.map(schema(_)).filter(_.dataType != StringType).foreach { field =>
      throw new ParameterException(
        s"originCol '${field.name}' has type ${field.dataType.simpleString}; it must be a string column."
      )
    }
    (index, originIndex)
  }

  private def reader(
      dataType: DataType,
      configuration: => Broadcast[SerializableConfiguration]
  ): Option[Any => SourcePicture] = dataType match {
    case BinaryType => Some(value => SourcePicture(Picture.Encoded(value.asInstanceOf[Array[Byte]]), ""))
    case StringType =>
      val hadoop = configuration
      Some(value => SourcePicture(readFile(value.asInstanceOf[String], hadoop.value), value.asInstanceOf[String]))
    case struct: StructType if has(struct, StructType(Seq(StructField("content", BinaryType)))) =>
      Some(value => binaryFile(value.asInstanceOf[Row], struct))
    case struct: StructType if has(struct, ImageSchema.columnSchema) =>
      Some(value => sparkImage(value.asInstanceOf[Row]))
    case ArrayType(struct: StructType, _) if has(struct, Annotation.imageType) =>
      Some(value => annotation(value.asInstanceOf[scala.collection.Seq[Row]]))
    case _ => None
  }

  private def has(struct: StructType, wanted: StructType): Boolean = wanted.forall { field =>
    struct.exists(f => f.name == field.name && DataType.equalsIgnoreNullability(f.dataType, field.dataType))
  }

  private def readFile(path: String, configuration: SerializableConfiguration): Picture =
    try {
      val file = new HadoopPath(path)
      val fileSystem = file.getFileSystem(configuration.value)
      val status = fileSystem.getFileStatus(file)
      // The length decides before anything is read; a device such as /dev/zero says it has none, and is read as empty.
      if (status.getLen > LargestFile)
        Picture.Unusable(s"the file has ${status.getLen} bytes, more than the $LargestFile that a picture may have")
      else Using.resource(fileSystem.open(file))(in => Picture.Encoded(in.readNBytes(status.getLen.toInt)))
    } catch {
      case e @ (_: IOException | _: IllegalArgumentException) =>
        Picture.Unusable(s"the file cannot be read: ${e.getMessage}")
    }

  private def binaryFile(row: Row, struct: StructType): SourcePicture = {
    val content = row.getAs[Array[Byte]]("content")
    val origin =
      if (struct.fieldNames.contains("path")) Option(row.getAs[Any]("path")).fold("")(_.toString) else ""
    val picture = if (content == null) Picture.Unusable("the picture is null") else Picture.Encoded(content)
    SourcePicture(picture, origin)
  }

  private def sparkImage(row: Row): SourcePicture = {
    val pixels = decoded(
      row.getAs[Int]("width"),
      row.getAs[Int]("height"),
      row.getAs[Int]("mode"),
      row.getAs[Array[Byte]]("data")
    )
    SourcePicture(pixels, Option(row.getAs[String]("origin")).getOrElse(""))
  }

  private def annotation(rows: scala.collection.Seq[Row]): SourcePicture = rows.headOption.filter(_ != null) match {
    case None => SourcePicture(Picture.Unusable("the picture is null"), "")
    case Some(row) =>
      val result = row.getAs[Array[Byte]]("result")
      val mode = row.getAs[Int]("mode")
      val reason = Option(row.getAs[scala.collection.Map[String, String]]("metadata")).flatMap(_.get(ReasonKey))
      val picture = reason match {
        case Some(text) => Picture.Unusable(text)
        case None if result == null => Picture.Unusable("the picture is null")
        case None if mode == Annotation.EncodedMode => Picture.Encoded(result)
        case None => decoded(row.getAs[Int]("width"), row.getAs[Int]("height"), mode, result)
      }
      SourcePicture(picture, Option(row.getAs[String]("origin")).getOrElse(""))
  }

  /** In an image annotation's metadata: why this picture cannot be used. */
  private[ml] val ReasonKey = "error"

  private def decoded(width: Int, height: Int, mode: Int, data: Array[Byte]): Picture =
    channelsOfMode.get(mode) match {
      case Some(channels) => Picture.Decoded(Pixels.fromOpenCv(width, height, channels, data))
      case None => Picture.Unusable(s"unsupported image mode $mode; 8-bit pictures of 1, 3 or 4 channels can be read")
    }
}
