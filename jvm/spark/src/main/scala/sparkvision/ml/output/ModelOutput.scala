package sparkvision.ml.output

import org.apache.spark.sql.types.StructField

import sparkvision.engine.LocalModel
import sparkvision.image.ImageInput
import sparkvision.ml.column.SourceImage

/** The columns that a stage with a model adds, and how they are filled. Every task gets a copy.
  *
  * @tparam R
  *   the model's result for one image
  */
private[ml] trait ModelOutput[R] extends Serializable {

  /** The columns, with Spark ML's metadata. */
  def fields: Seq[StructField]

  /** Each item with its image's result, or with the reason why there is none; in order, lazily. */
  def results[A](model: LocalModel, items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, R])]

  /** The values of [[fields]] for one image. */
  def values(source: SourceImage, result: Either[String, R]): Seq[Any]
}
