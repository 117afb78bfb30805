package sparkvision.ml.stage

import org.apache.spark.sql.catalyst.expressions.{Alias, AttributeReference}
import org.apache.spark.sql.catalyst.plans.logical.Project
import org.apache.spark.sql.sparkvision.DataFrames
import org.apache.spark.sql.types.StructField
import org.apache.spark.sql.{DataFrame, Dataset}

import sparkvision.ml.column.VectorColumn
import sparkvision.ml.plan.{MapVectors, SessionRules}
import sparkvision.ml.task.VectorFunction

/** Adds columns to a dataset by a function of its vectors, as [[RowMapping]] does by one of its images. */
private[ml] object VectorMapping {

  /** The dataset with the columns that `function` computes of the vectors in `column`. */
  def apply(dataset: Dataset[_], column: String, added: Seq[StructField], function: VectorFunction): DataFrame = {
    SessionRules.install(dataset.sparkSession)
    val child = DataFrames.plan(dataset)
    val vector = child.output(VectorColumn.indexOf(dataset.schema, column))
    val results = added.map(field => AttributeReference(field.name, field.dataType, field.nullable, field.metadata)())
    // New names for the results, as in RowMapping.
    DataFrames.of(
      dataset.sparkSession,
      Project(
        child.output ++ results.map(result => Alias(result, result.name)()),
        MapVectors(vector, function, results, child)
      )
    )
  }
}
