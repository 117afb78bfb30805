package sparkvision.ml.task

import org.apache.spark.SparkContext
import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.types.DataType
import org.apache.spark.util.SerializableConfiguration

import sparkvision.ml.column.{ImageReader, SourceImage, VectorColumn}
import sparkvision.ml.metrics.ImageMetrics

/** What the operator of a stage or SQL function computes from the rows of a query, as query plans hold it.
  *
  * Implementations are compared by value: Spark finds cached plans, and plans that need to run only once, by equality.
  *
  * @tparam A
  *   what the function gets of a row: an image, a vector, a text
  */
private[ml] trait RowFunction[A] extends Serializable {

  /** The stage or SQL function, as query plans and metrics name it. */
  def name: String

  /** The settings, as query plans show them. */
  def description: String

  override def toString: String = s"$name($description)"

  /** How a value for the function is made from a row. */
  def input: RowInput[A]

  /** Whether each input row gives one output row. */
  def keepsEveryRow: Boolean

  /** Whether an input row may give several output rows. */
  def mayMultiplyRows: Boolean = false

  /** Whether an input can fail the query. Such a function runs even when nothing reads its result. */
  def mayFail: Boolean

  /** What the tasks run. The driver calls this when the execution of a query starts, never while a query is analysed or
    * explained: here models are fetched and sent to the executors.
    *
    * @throws sparkvision.image.SparkVisionException
    *   when the model or the index cannot be used
    */
  def start(spark: SparkSession): RowTask[A]
}

/** A [[RowFunction]] inside the tasks. */
private[ml] trait RowTask[A] extends Serializable {

  /** The hash of the bundle that the tasks run, if there is one. */
  def modelHash: Option[String] = None

  /** @param items
    *   read ahead by a batch or more, each once
    * @return
    *   for each item, in order, the output rows of its row, as the values of the columns to add; empty when the row is
    *   dropped. The rows of one item are read before those of the next item
    */
  def apply(items: Iterator[A], metrics: ImageMetrics): Iterator[IterableOnce[Seq[Any]]]
}

/** Makes the input of a [[RowFunction]] from the values that an operator reads from a row. */
sealed private[ml] trait RowInput[A] extends Serializable {

  /** The function that makes an input from a row's values, as a `Row` would hold them. It runs inside tasks.
    *
    * @param types
    *   the types of the values
    */
  def reader(types: Seq[DataType], context: SparkContext): Seq[Any] => A
}

private[ml] object RowInput {

  /** Four values: the image, the name that the user's originCol gives it (null: none), the name for an image that has no
    * other name, and what the function reads besides the image (null: nothing).
    */
  case object Image extends RowInput[SourceImage] {
    override def reader(types: Seq[DataType], context: SparkContext): Seq[Any] => SourceImage = {
      val configuration = Option.when(ImageReader.readsFiles(types.head)) {
        val sent = context.broadcast(new SerializableConfiguration(context.hadoopConfiguration))
        () => sent.value.value
      }
      val read = new ImageReader(types.head, configuration)
      def text(value: Any) = Option(value).map(_.toString)
      values => read(values.head).named(text(values(1)), text(values(2))).copy(argument = values(3))
    }
  }

  /** One value: a vector of Spark ML or an array of numbers. A null vector stays null. */
  case object Vector extends RowInput[Array[Double]] {
    override def reader(types: Seq[DataType], context: SparkContext): Seq[Any] => Array[Double] =
      values => VectorColumn.numbers(values.head)
  }

  /** One value: a string, or the reason why there is none. */
  case object Text extends RowInput[Either[String, String]] {
    override def reader(types: Seq[DataType], context: SparkContext): Seq[Any] => Either[String, String] =
      values => Option(values.head).map(_.toString).toRight("the text is null")
  }
}
