package sparkvision.ml.column

import java.io.{FileNotFoundException, IOException}

import scala.util.Using
import scala.util.control.NonFatal

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{ChecksumException, ChecksumFileSystem, Path => HadoopPath, UnsupportedFileSystemException}
import org.apache.spark.ml.image.ImageSchema
import org.apache.spark.sql.Row
import org.apache.spark.sql.types._

import sparkvision.image.codec.format.ImageHeader
import sparkvision.image.{ImageException, ImageInput, Pixels}

/** Reads images from the values of a column of any supported type. Runs inside tasks.
  *
  * @param dataType
  *   one that [[ImageReader.reads]]
  * @param configuration
  *   obtains, inside a task, the Hadoop configuration for reading a column of paths
  */
final private[ml] class ImageReader(dataType: DataType, configuration: Option[() => Configuration])
    extends Serializable {
  @transient private lazy val read = ImageReader.readerOf(dataType).get(configuration)

  /** The image in a value of the column, with its own origin if it has one.
    *
    * @throws java.io.IOException
    *   when the storage of a column of paths fails, so that Spark retries the task
    */
  def apply(value: Any): SourceImage =
    if (value == null) SourceImage(ImageInput.Unusable("the image is null"), "")
    else
      try read(value)
      catch {
        case e: ImageException => SourceImage(ImageInput.Unusable(e.reason), "")
        case e: IOException => throw e
        // A malformed row must not cost the other rows their results.
        case NonFatal(e) => SourceImage(ImageInput.Unusable(s"the image cannot be read: $e"), "")
      }
}

private[ml] object ImageReader {

  /** OpenCV's CV_8UC3. */
  val BgrMode: Int = ImageSchema.ocvTypes("CV_8UC3")

  /** The key in the metadata of an image annotation for the reason why the image cannot be used. */
  val ReasonKey = "error"

  /** Larger files, which are hardly images, are not read, because they would fill the memory of the executor. */
  private val LargestFile = 1 << 30
  private val channelsOfMode = Map("CV_8UC1" -> 1, "CV_8UC3" -> 3, "CV_8UC4" -> 4).map { case (name, channels) =>
    ImageSchema.ocvTypes(name) -> channels
  }

  /** Whether a column of this type may hold images. */
  def reads(dataType: DataType): Boolean = readerOf(dataType).nonEmpty

  /** Whether a column of this type holds the paths of files, which tasks read with the job's Hadoop configuration. */
  def readsFiles(dataType: DataType): Boolean = dataType == StringType

  private def readerOf(dataType: DataType): Option[Option[() => Configuration] => Any => SourceImage] = dataType match {
    case BinaryType => Some(_ => value => SourceImage(ImageInput.Encoded(value.asInstanceOf[Array[Byte]]), ""))
    case StringType =>
      Some(hadoop =>
        value => SourceImage(readFile(value.asInstanceOf[String], hadoop.get()), value.asInstanceOf[String])
      )
    case struct: StructType if has(struct, StructType(Seq(StructField("content", BinaryType)))) =>
      Some(_ => value => binaryFile(value.asInstanceOf[Row], struct))
    case struct: StructType if has(struct, ImageSchema.columnSchema) =>
      Some(_ => value => sparkImage(value.asInstanceOf[Row]))
    case ArrayType(struct: StructType, _) if has(struct, Annotation.imageType) =>
      Some(_ => value => annotation(value.asInstanceOf[scala.collection.Seq[Row]]))
    case _ => None
  }

  private def has(struct: StructType, wanted: StructType): Boolean = wanted.forall { field =>
    struct.exists(f => f.name == field.name && DataType.equalsIgnoreNullability(f.dataType, field.dataType))
  }

  private def readFile(path: String, configuration: Configuration): ImageInput =
    try {
      val file = new HadoopPath(path)
      val fileSystem = file.getFileSystem(configuration) match {
        // A checksum file system reads a second file, whose name it cannot construct if the first name has a colon.
        case checked: ChecksumFileSystem if file.getName.contains(':') => checked.getRawFileSystem
        case other => other
      }
      val status = fileSystem.getFileStatus(file)
      // The length is checked before anything is read. A device such as /dev/zero has the length 0 and is read as empty.
      if (status.getLen > LargestFile)
        ImageInput.Unusable(s"the file has ${status.getLen} bytes, more than the $LargestFile that an image may have")
      else Using.resource(fileSystem.open(file))(in => ImageInput.Encoded(in.readNBytes(status.getLen.toInt)))
    } catch {
      // The path is wrong or the file is damaged. Any other failure of the storage may be temporary and fails the task.
      case e @ (_: FileNotFoundException | _: ChecksumException | _: UnsupportedFileSystemException |
          _: IllegalArgumentException) =>
        ImageInput.Unusable(s"the file cannot be read: ${e.getMessage}")
    }

  private def binaryFile(row: Row, struct: StructType): SourceImage = {
    val content = row.getAs[Array[Byte]]("content")
    val origin =
      if (struct.fieldNames.contains("path")) Option(row.getAs[Any]("path")).fold("")(_.toString) else ""
    val image = if (content == null) ImageInput.Unusable("the image is null") else ImageInput.Encoded(content)
    SourceImage(image, origin)
  }

  private def sparkImage(row: Row): SourceImage = {
    val pixels = decoded(
      row.getAs[Int]("width"),
      row.getAs[Int]("height"),
      row.getAs[Int]("mode"),
      row.getAs[Array[Byte]]("data")
    )
    SourceImage(pixels, Option(row.getAs[String]("origin")).getOrElse(""))
  }

  private def annotation(rows: scala.collection.Seq[Row]): SourceImage = rows.headOption.filter(_ != null) match {
    case None => SourceImage(ImageInput.Unusable("the image is null"), "")
    case Some(_) if rows.size > 1 =>
      SourceImage(
        ImageInput.Unusable(s"the array has ${rows.size} images, and a stage takes one: explode it first"),
        ""
      )
    case Some(row) =>
      val result = row.getAs[Array[Byte]]("result")
      val mode = row.getAs[Int]("mode")
      val reason = Option(row.getAs[scala.collection.Map[String, String]]("metadata")).flatMap(_.get(ReasonKey))
      val image = reason match {
        case Some(text) => ImageInput.Unusable(text)
        case None if result == null => ImageInput.Unusable("the image is null")
        case None if mode == Annotation.EncodedMode => ImageInput.Encoded(result)
        case None => decoded(row.getAs[Int]("width"), row.getAs[Int]("height"), mode, result)
      }
      SourceImage(image, Option(row.getAs[String]("origin")).getOrElse(""))
  }

  private def decoded(width: Int, height: Int, mode: Int, data: Array[Byte]): ImageInput =
    channelsOfMode.get(mode) match {
      case Some(channels) => ImageInput.Decoded(Pixels.fromOpenCv(width, height, channels, data))
      case None => ImageInput.Unusable(s"unsupported image mode $mode; 8-bit images of 1, 3 or 4 channels can be read")
    }
}

/** An image as a row holds it, with the name by which it is reported.
  *
  * @param argument
  *   what else the stage reads from the row, as in a Spark Row; null for a stage that reads only the image
  */
final case class SourceImage(image: ImageInput, origin: String, argument: Any = null) {

  /** The image with its name: the name that the user gives, or else the image's own, or else the default. */
  def named(byUser: Option[String], byDefault: Option[String]): SourceImage =
    copy(origin = byUser.orElse(Some(origin).filter(_.nonEmpty)).orElse(byDefault).getOrElse(""))

  /** The size and format from the header. Of an unusable image only the origin is known. */
  def facts: ImageFacts = image match {
    case ImageInput.Encoded(bytes) =>
      val (height, width) =
        try {
          val header = ImageHeader.read(bytes)
          (header.uprightHeight, header.uprightWidth)
        } catch { case _: ImageException => (0, 0) }
      ImageFacts(origin, height, width, nChannels = 3, mode = Annotation.EncodedMode)
    case ImageInput.Decoded(pixels) =>
      ImageFacts(origin, pixels.height, pixels.width, nChannels = 3, mode = ImageReader.BgrMode)
    case ImageInput.Unusable(_) => ImageFacts(origin, 0, 0, 0, Annotation.EncodedMode)
  }
}
