package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions.{Attribute, Expression, MutableProjection}
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
  def map(partition: Int, rows: Iterator[InternalRow]): Iterator[InternalRow] =
    new AddedColumns(passed, added).map(rows, sourceOf(partition))(function(_, metrics))

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
}
