package sparkvision.ml.plan

import scala.collection.mutable

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.{CatalystTypeConverters, InternalRow}

import sparkvision.ml.{PictureFunction, PictureMetrics, PictureReader, SourcePicture}

/** Spark's rows on one side, a [[PictureFunction]] on the other. Runs inside tasks.
  *
  * @param present
  *   the columns of the rows that come in
  * @param passed
  *   those of them that go out
  */
final private[plan] class PictureRows(
    picture: Expression,
    originName: Expression,
    defaultOriginName: Expression,
    argument: Expression,
    present: Seq[Attribute],
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
    val narrowed = if (passed == present) identity[InternalRow] _ else UnsafeProjection.create(passed, present)
    val pictures = rows.map { row =>
      waiting += narrowed(row).copy()
      source(row)
    }
    val join = joined()
    function(pictures, metrics).flatMap { results =>
      val row = waiting.dequeue()
      results.iterator.map(join(row, _))
    }
  }

  private def sourceOf(partition: Int): InternalRow => SourcePicture = {
    // Not by a projection: that would make a copy of an annotation or a struct, and the converter makes another.
    def evaluated(expression: Expression): InternalRow => Any = {
      val bound = BindReferences.bindReference(expression, present)
      bound.foreach {
        case random: Nondeterministic => random.initialize(partition)
        case _ => ()
      }
      val toScala = CatalystTypeConverters.createToScalaConverter(expression.dataType)
      row => toScala(bound.eval(row))
    }
    val (value, origin, defaultOrigin) = (evaluated(picture), evaluated(originName), evaluated(defaultOriginName))
    val beside = evaluated(argument)
    def text(name: InternalRow => Any, row: InternalRow) = Option(name(row)).map(_.toString)
    row => reader(value(row)).named(text(origin, row), text(defaultOrigin, row)).copy(argument = beside(row))
  }

  private def joined(): (InternalRow, Seq[Any]) => InternalRow = {
    val converters = added.map(field => CatalystTypeConverters.createToCatalystConverter(field.dataType))
    val asUnsafe = UnsafeProjection.create(passed ++ added, passed ++ added)
    val both = new JoinedRow
    (row, values) =>
      asUnsafe(both(row, InternalRow.fromSeq(converters.zip(values).map { case (convert, value) => convert(value) })))
  }
}
