package sparkvision.ml.column

import org.apache.spark.sql.Row
import org.apache.spark.sql.types._

import sparkvision.image.codec.format.ImageFormat
import sparkvision.image.{ImageException, ImageInput, Pixels}

/** The annotation columns' schemas and rows, Spark NLP's, so that its users' queries go on working. */
object Annotation {

  /** `mode` of an image that is still encoded; a decoded one has OpenCV's type number, as Spark's image source. */
  val EncodedMode: Int = -1

  private val metadata = MapType(StringType, StringType)

  /** One image of an image column. */
  val imageType: StructType = StructType(
    Seq(
      StructField("annotatorType", StringType),
      StructField("origin", StringType),
      StructField("height", IntegerType, nullable = false),
      StructField("width", IntegerType, nullable = false),
      StructField("nChannels", IntegerType, nullable = false),
      StructField("mode", IntegerType, nullable = false),
      StructField("result", BinaryType),
      StructField("metadata", metadata),
      StructField("text", StringType)
    )
  )

  /** One label of a category column, or the one element of a column of embeddings. */
  val resultType: StructType = StructType(
    Seq(
      StructField("annotatorType", StringType),
      StructField("begin", IntegerType, nullable = false),
      StructField("end", IntegerType, nullable = false),
      StructField("result", StringType),
      StructField("metadata", metadata),
      StructField("embeddings", ArrayType(FloatType, containsNull = false))
    )
  )

  /** What [[resultType]] may hold: a label, an object, an embedding. */
  val Category = "category"
  val Detection = "detection"
  val ImageEmbeddings = "image_embeddings"
  private val Image = "image"

  /** A column of images. */
  def imageField(name: String): StructField = StructField(name, ArrayType(imageType), metadata = mark(Image))

  /** A column of what a model says of images; empty where it says nothing. */
  def resultField(name: String, annotatorType: String): StructField =
    StructField(name, ArrayType(resultType), nullable = false, mark(annotatorType))

  /** Marks an annotation column, as Spark NLP does. */
  private def mark(annotatorType: String): Metadata =
    new MetadataBuilder().putString("annotatorType", annotatorType).build()

  /** An image's own annotation.
    *
    * @param metadata
    *   what is known of it beside its pixels
    */
  def image(source: SourceImage, metadata: Map[String, String] = Map.empty): Row = source.image match {
    case ImageInput.Encoded(bytes) =>
      image(source.facts, bytes, metadata ++ ImageFormat.of(bytes).map(format => "format" -> format.name))
    case ImageInput.Decoded(pixels) =>
      try image(source.facts, Pixels.toOpenCv(pixels), metadata)
      catch { case e: ImageException => image(source.copy(image = ImageInput.Unusable(e.reason)), metadata) }
    case ImageInput.Unusable(reason) => image(source.facts, null, metadata + (ImageReader.ReasonKey -> reason))
  }

  private def image(facts: ImageFacts, result: Array[Byte], metadata: Map[String, String]): Row = Row(
    Image,
    facts.origin,
    facts.height,
    facts.width,
    facts.nChannels,
    facts.mode,
    result,
    metadata,
    ""
  )

  /** One element of a column of [[resultField]].
    *
    * @param result
    *   the label, of [[Category]] and `Detection`
    */
  def result(
      annotatorType: String,
      metadata: Map[String, String],
      result: String = "",
      embeddings: Seq[Float] = Seq.empty
  ): Row = Row(annotatorType, 0, 0, result, metadata, embeddings)
}

/** What is known of an image beside its pixels.
  *
  * @param height
  *   in pixels, after the EXIF turn
  */
final case class ImageFacts(origin: String, height: Int, width: Int, nChannels: Int, mode: Int) {

  def asMetadata: Map[String, String] = Map(
    "image" -> "0",
    "origin" -> origin,
    "height" -> height.toString,
    "width" -> width.toString,
    "nChannels" -> nChannels.toString,
    "mode" -> mode.toString
  )
}
