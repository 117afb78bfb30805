package sparkvision.ml.column

import org.apache.spark.sql.Row
import org.apache.spark.sql.types._

import sparkvision.image.codec.format.ImageFormat
import sparkvision.image.{ImageException, ImageInput, Pixels}

/** The schemas and rows of annotation columns. They are those of Spark NLP, so that queries of its users keep working. */
object Annotation {

  /** `mode` of an encoded image. A decoded image has OpenCV's type number, as in Spark's image source. */
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

  /** The annotator types of [[resultType]]: a label, an object, an embedding. */
  val Category = "category"
  val Detection = "detection"
  val ImageEmbeddings = "image_embeddings"
  private val Image = "image"

  /** A column of images. */
  def imageField(name: String): StructField = StructField(name, ArrayType(imageType), metadata = mark(Image))

  /** A column of the results of a model; the array is empty where there is no result. */
  def resultField(name: String, annotatorType: String): StructField =
    StructField(name, ArrayType(resultType), nullable = false, mark(annotatorType))

  /** The metadata by which Spark NLP marks an annotation column. */
  private def mark(annotatorType: String): Metadata =
    new MetadataBuilder().putString("annotatorType", annotatorType).build()

  /** The annotation of an image.
    *
    * @param metadata
    *   what is known about the image apart from its pixels
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
    *   the label, for [[Category]] and `Detection`
    */
  def result(
      annotatorType: String,
      metadata: Map[String, String],
      result: String = "",
      embeddings: Seq[Float] = Seq.empty
  ): Row = Row(annotatorType, 0, 0, result, metadata, embeddings)
}

/** What is known about an image apart from its pixels.
  *
  * @param height
  *   in pixels, after the EXIF orientation was applied
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
