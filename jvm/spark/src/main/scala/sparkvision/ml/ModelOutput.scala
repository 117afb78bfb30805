package sparkvision.ml

import org.apache.spark.sql.types.StructField

import sparkvision.engine.{LocalModel, Picture}

/** The columns that a stage with a model adds, and how they are filled. Travels with every task.
  *
  * @tparam R
  *   what the model says of one picture
  */
private[ml] trait ModelOutput[R] extends Serializable {

  /** The columns, with Spark ML's metadata. */
  def fields: Seq[StructField]

  /** Each item with its picture's result, or with the reason why there is none; in order, lazily. */
  def results[A](model: LocalModel, items: Iterator[A])(picture: A => Picture): Iterator[(A, Either[String, R])]

  /** The values of [[fields]] for one picture. */
  def values(source: SourcePicture, result: Either[String, R]): Seq[Any]
}
