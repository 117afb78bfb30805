package sparkvision.ml

import org.apache.spark.sql.functions.col
import org.apache.spark.sql.types.{StructField, StructType}
import org.apache.spark.sql.{DataFrame, Dataset, Encoders, Row}

import sparkvision.engine.ParameterException

/** Adds columns to a dataset by a function over whole partitions. */
private[ml] object RowMapping {

  /** The schema with columns added.
    *
    * @throws ParameterException
    *   when there is such a column already
    */
  def append(schema: StructType, added: Seq[StructField]): StructType =
    added.foldLeft(schema) { (present, field) =>
      if (ColumnNames.indicesOf(present, field.name).nonEmpty)
        throw new ParameterException(
          s"The column '${field.name}' would be there twice: it exists already, or two output columns share the name. " +
            "Set another name."
        )
      present.add(field)
    }

  /** Maps the partitions to rows of `schema`. */
  def apply(dataset: Dataset[_], schema: StructType)(partition: Iterator[Row] => Iterator[Row]): DataFrame = {
    // Numbered for a moment: the input may have columns of one name, and the row encoder loses every column's metadata.
    val numbered = StructType(schema.fields.zipWithIndex.map { case (field, index) => field.copy(name = s"_$index") })
    val rows = dataset.toDF().mapPartitions(partition)(Encoders.row(numbered))
    rows.select(numbered.fieldNames.toIndexedSeq.zip(schema).map { case (number, field) =>
      col(number).as(field.name, field.metadata)
    }: _*)
  }
}
