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
  def append(schema: StructType, added: Seq[StructField]): StructType = {
    val names = schema.fieldNames.toSeq ++ added.map(_.name)
    names.diff(names.distinct).headOption.foreach { name =>
      throw new ParameterException(
        s"The column '$name' would be there twice: it exists already, or two output columns share the name. Set another name."
      )
    }
    StructType(schema.fields ++ added)
  }

  /** Maps the partitions to rows of `schema`; every column keeps its metadata, which the row encoder alone would lose. */
  def apply(dataset: Dataset[_], schema: StructType)(partition: Iterator[Row] => Iterator[Row]): DataFrame = {
    val rows = dataset.toDF().mapPartitions(partition)(Encoders.row(schema))
    rows.select(schema.fields.toIndexedSeq.map(f => col(s"`${f.name.replace("`", "``")}`").as(f.name, f.metadata)): _*)
  }
}
