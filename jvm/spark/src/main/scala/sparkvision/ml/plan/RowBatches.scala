package sparkvision.ml.plan

import scala.collection.mutable

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.{CatalystTypeConverters, InternalRow}
import org.apache.spark.{InterruptibleIterator, TaskContext}

import sparkvision.engine.session.ExecutorRuntime

/** Reads the rows of a partition ahead for a function, and joins what the function computes to the rows that are waiting.
  * Runs inside tasks.
  *
  * @param values
  *   what is read from a row
  * @param present
  *   the columns of the input rows
  * @param passed
  *   the columns among them that are part of the output
  * @param added
  *   the columns that the function computes
  * @param read
  *   makes the function's input from the values
  */
final private[plan] class RowBatches[A](
    values: Seq[Expression],
    present: Seq[Attribute],
    passed: Seq[Attribute],
    added: Seq[Attribute],
    read: Seq[Any] => A
) extends Serializable {

  /** The rows with the added columns, in order.
    *
    * @param function
    *   for each input, in order, the output rows of its row, as the values of the added columns; empty when it is dropped
    */
  def map(partition: Int, rows: Iterator[InternalRow])(
      function: Iterator[A] => Iterator[IterableOnce[Seq[Any]]]
  ): Iterator[InternalRow] = {
    // Hashing, cropping and searching occupy a core as models do: no other task may borrow it.
    val core = ExecutorRuntime.ofThisProcess.spareCores.occupy()
    val task = TaskContext.get()
    task.addTaskCompletionListener[Unit](_ => core.close())
    // Rows whose inputs are still in a batch. Spark reuses one row object, so each row is copied.
    val waiting = mutable.Queue[InternalRow]()
    val narrowed = if (passed == present) identity[InternalRow] _ else UnsafeProjection.create(passed, present)
    val input = inputOf(partition)
    // A killed task ends here, before it reads the next row: not every operator below checks for it.
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

  private def inputOf(partition: Int): InternalRow => A = {
    // Not with a projection, which would copy an annotation or a struct before the converter copies it again.
    val evaluated = values.map { expression =>
      val bound = BindReferences.bindReference(expression, present)
      bound.foreach {
        case random: Nondeterministic => random.initialize(partition)
        case _ => ()
      }
      val toScala = CatalystTypeConverters.createToScalaConverter(expression.dataType)
      (row: InternalRow) => toScala(bound.eval(row))
    }
    row => read(evaluated.map(_(row)))
  }

  private def joined(): (InternalRow, Seq[Any]) => InternalRow = {
    val converters = added.map(field => CatalystTypeConverters.createToCatalystConverter(field.dataType))
    val asUnsafe = UnsafeProjection.create(passed ++ added, passed ++ added)
    val both = new JoinedRow
    (row, values) =>
      asUnsafe(both(row, InternalRow.fromSeq(converters.zip(values).map { case (convert, value) => convert(value) })))
  }
}
