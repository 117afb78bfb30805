package sparkvision.ml.output

import org.apache.spark.ml.attribute.AttributeGroup
import org.apache.spark.ml.linalg.{SQLDataTypes, Vectors}
import org.apache.spark.sql.types._

import sparkvision.engine.LocalModel
import sparkvision.image.ImageInput
import sparkvision.ml.column.{Annotation, SourceImage}

/** The columns that an embeddings stage adds, each if its Param is set.
  *
  * @param size
  *   the length of an embedding
  */
final private[ml] case class EmbeddingsOutput(
    size: Int,
    outputCol: Option[String],
    embeddingsCol: Option[String],
    errorCol: Option[String]
) extends ModelOutput[Array[Float]] {

  @transient lazy val fields: Seq[StructField] = Seq(
    outputCol.map(Annotation.resultField(_, Annotation.ImageEmbeddings)),
    embeddingsCol.map(name =>
      StructField(name, SQLDataTypes.VectorType, metadata = new AttributeGroup(name, size).toMetadata())
    ),
    errorCol.map(StructField(_, StringType))
  ).flatten

  def results[A](model: LocalModel, items: Iterator[A])(
      image: A => ImageInput
  ): Iterator[(A, Either[String, Array[Float]])] = model.embeddings(items)(image)

  /** Without a result the annotation is empty and the vector is null. */
  def values(source: SourceImage, result: Either[String, Array[Float]]): Seq[Any] =
    outputCol.map(_ => result.toOption.map(annotation(source, _)).toSeq).toSeq ++ columns(result)

  /** The values without the annotation, which only images have. */
  def columns(result: Either[String, Array[Float]]): Seq[Any] = Seq(
    embeddingsCol.map(_ => result.toOption.map(numbers => Vectors.dense(numbers.map(_.toDouble))).orNull),
    errorCol.map(_ => result.left.toOption.orNull)
  ).flatten

  private def annotation(source: SourceImage, embedding: Array[Float]) =
    Annotation.result(Annotation.ImageEmbeddings, source.facts.asMetadata, embeddings = embedding.toSeq)
}
