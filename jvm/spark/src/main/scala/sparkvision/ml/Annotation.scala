package sparkvision.ml

import org.apache.spark.sql.Row
import org.apache.spark.sql.types._

import sparkvision.engine.{ImageException, ImageFormat, Picture, Pixels}

/** The annotation columns' schemas and rows, Spark NLP's, so that its users' queries go on working. */
object Annotation {

  /** `mode` of a picture that is still encoded; a decoded one has OpenCV's type number, as Spark's image source. */
  val EncodedMode: Int = -1

  private val metadata = MapType(StringType, StringType)

  /** One picture of an image column. */
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

  /** A column of pictures. */
  def imageField(name: String): StructField = StructField(name, ArrayType(imageType), metadata = mark(Image))

  /** A column of what a model says of pictures; empty where it says nothing. */
  def resultField(name: String, annotatorType: String): StructField =
    StructField(name, ArrayType(resultType), nullable = false, mark(annotatorType))

  /** Marks an annotation column, as Spark NLP does. */
  private def mark(annotatorType: String): Metadata =
    new MetadataBuilder().putString("annotatorType", annotatorType).build()

  /** A picture's own annotation.
    *
    * @param metadata
    *   what is known of it beside its pixels
    */
  def image(source: SourcePicture, metadata: Map[String, String] = Map.empty): Row = source.picture match {
    case Picture.Encoded(bytes) =>
      image(source.facts, bytes, metadata ++ ImageFormat.of(bytes).map(format => "format" -> format.name))
    case Picture.Decoded(pixels) =>
      try image(source.facts, Pixels.toOpenCv(pixels), metadata)
      catch { case e: ImageException => image(source.copy(picture = Picture.Unusable(e.reason)), metadata) }
    case Picture.Unusable(reason) => image(source.facts, null, metadata + (PictureReader.ReasonKey -> reason))
  }

  private def image(facts: PictureFacts, result: Array[Byte], metadata: Map[String, String]): Row = Row(
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
    *   the label, of [[Category]] and [[Detection]]
    */
  def result(
      annotatorType: String,
      metadata: Map[String, String],
      result: String = "",
      embeddings: Seq[Float] = Seq.empty
  ): Row = Row(annotatorType, 0, 0, result, metadata, embeddings)
}

/** What is known of a picture beside its pixels.
  *
  * @param height
  *   in pixels, after the EXIF turn
  */
final case class PictureFacts(origin: String, height: Int, width: Int, nChannels: Int, mode: Int) {

  def asMetadata: Map[String, String] = Map(
    "image" -> "0",
    "origin" -> origin,
    "height" -> height.toString,
    "width" -> width.toString,
    "nChannels" -> nChannels.toString,
    "mode" -> mode.toString
  )
}
