package sparkvision.ml.plan

import scala.collection.mutable

import org.apache.spark.sql.catalyst.expressions.{Attribute, JoinedRow, UnsafeProjection}
import org.apache.spark.sql.catalyst.{CatalystTypeConverters, InternalRow}
import org.apache.spark.{InterruptibleIterator, TaskContext}

import sparkvision.engine.session.SpareCores

/** Puts what a function computes beside the rows that it read ahead. Runs inside tasks.
  *
  * @param present
  *   the rows' columns
  * @param passed
  *   those of them that go on
  * @param added
  *   the columns that the function computes
  */
final private[plan] class AddedColumns(present: Seq[Attribute], passed: Seq[Attribute], added: Seq[Attribute])
    extends Serializable {

  /** The rows with the added columns, in order.
    *
    * @param input
    *   what the function is given of a row
    * @param function
    *   for each input, in order, the rows that come of its row, as the values of the added columns; none where it is dropped
    */
  def map[A](rows: Iterator[InternalRow], input: InternalRow => A)(
      function: Iterator[A] => Iterator[IterableOnce[Seq[Any]]]
  ): Iterator[InternalRow] = {
    // Hashing, cropping and searching take a core as models do: no other task is to borrow it.
    val core = SpareCores.shared.occupy()
    val task = TaskContext.get()
    task.addTaskCompletionListener[Unit](_ => core.close())
    // Rows whose inputs are still in a batch. Spark uses one row object again and again, so each is copied.
    val waiting = mutable.Queue[InternalRow]()
    val narrowed = if (passed == present) identity[InternalRow] _ else UnsafeProjection.create(passed, present)
    // A killed task ends here, before it takes in the next row: not every operator below asks.
    val inputs = new InterruptibleIterator(task, rows).map { row =>
      waiting += narrowed(row).copy()
      input(row)
    }
    val join = joined()
    function(inputs).flatMap { results =>
      val row = waiting.dequeue()
      results.iterator.map(join(row, _))
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
