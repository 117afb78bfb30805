package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.{CatalystTypeConverters, InternalRow}

import sparkvision.ml.column.{ImageReader, SourceImage}
import sparkvision.ml.metrics.ImageMetrics
import sparkvision.ml.task.ImageFunction

/** Spark's rows on one side, a [[ImageFunction]] on the other. Runs inside tasks.
  *
  * @param present
  *   the columns of the rows that come in
  * @param passed
  *   those of them that go out
  */
final private[plan] class ImageRows(
    image: Expression,
    originName: Expression,
    defaultOriginName: Expression,
    argument: Expression,
    present: Seq[Attribute],
    passed: Seq[Attribute],
    added: Seq[Attribute],
    reader: ImageReader,
    function: ImageFunction,
    metrics: ImageMetrics
) extends Serializable {

  /** The rows of one partition with the added columns, in order. */
  def map(partition: Int, rows: Iterator[InternalRow]): Iterator[InternalRow] =
    new AddedColumns(present, passed, added).map(rows, sourceOf(partition))(function(_, metrics))

  private def sourceOf(partition: Int): InternalRow => SourceImage = {
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
    val (value, origin, defaultOrigin) = (evaluated(image), evaluated(originName), evaluated(defaultOriginName))
    val beside = evaluated(argument)
    def text(name: InternalRow => Any, row: InternalRow) = Option(name(row)).map(_.toString)
    row => reader(value(row)).named(text(origin, row), text(defaultOrigin, row)).copy(argument = beside(row))
  }
}
