package sparkvision.ml.plan

import scala.collection.mutable

import org.apache.spark.sql.catalyst.expressions.{Attribute, Expression, JoinedRow, MutableProjection, UnsafeProjection}
import org.apache.spark.sql.catalyst.{CatalystTypeConverters, InternalRow}

import sparkvision.ml.{PictureFunction, PictureMetrics, PictureReader, SourcePicture}

/** Spark's rows on one side, a [[PictureFunction]] on the other. Runs inside tasks.
  *
  * @param inputs
  *   the picture, its origin, its default origin, and what else the function reads
  */
final private[plan] class PictureRows(
    inputs: Seq[Expression],
    passed: Seq[Attribute],
    added: Seq[Attribute],
    reader: PictureReader,
    function: PictureFunction,
    metrics: PictureMetrics
) extends Serializable {

  /** The rows of one partition with the added columns, in order. */
  def map(partition: Int, rows: Iterator[InternalRow]): Iterator[InternalRow] = {
    // Rows whose pictures are still in a batch. Spark uses one row object again and again, so each is copied.
    val waiting = mutable.Queue[InternalRow]()
    val source = sourceOf(partition)
    val pictures = rows.map { row =>
      waiting += row.copy()
      source(row)
    }
    val join = joined()
    function(pictures, metrics).flatMap { results =>
      val row = waiting.dequeue()
      results.iterator.map(join(row, _))
    }
  }

  private def sourceOf(partition: Int): InternalRow => SourcePicture = {
    val evaluate = MutableProjection.create(inputs, passed)
    evaluate.initialize(partition)
    val toScala = inputs.map(input => CatalystTypeConverters.createToScalaConverter(input.dataType))
    row => {
      val values = evaluate(row)
      def text(index: Int) = Option.when(!values.isNullAt(index))(values.getUTF8String(index).toString)
      def value(index: Int) =
        if (values.isNullAt(index)) null else toScala(index)(values.get(index, inputs(index).dataType))
      reader(value(0)).named(text(1), text(2)).copy(argument = value(3))
    }
  }

  private def joined(): (InternalRow, Seq[Any]) => InternalRow = {
    val converters = added.map(field => CatalystTypeConverters.createToCatalystConverter(field.dataType))
    val asUnsafe = UnsafeProjection.create(passed ++ added, passed ++ added)
    val both = new JoinedRow
    (row, values) =>
      asUnsafe(both(row, InternalRow.fromSeq(converters.zip(values).map { case (convert, value) => convert(value) })))
  }
}
