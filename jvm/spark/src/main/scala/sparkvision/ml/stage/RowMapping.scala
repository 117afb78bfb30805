package sparkvision.ml.stage

import org.apache.spark.sql.catalyst.expressions.{Alias, Attribute, AttributeReference, Cast, Expression, Literal}
import org.apache.spark.sql.catalyst.plans.logical.Project
import org.apache.spark.sql.sparkvision.DataFrames
import org.apache.spark.sql.types.{BinaryType, StringType, StructField, StructType}
import org.apache.spark.sql.{DataFrame, Dataset}

import sparkvision.image.ParameterException
import sparkvision.ml.column.{ColumnNames, ImageColumn}
import sparkvision.ml.plan.{MapImages, SessionRules}
import sparkvision.ml.task.ImageFunction

/** Adds columns to a dataset by a function of its images. */
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

  /** The dataset with the columns that `function` computes of the images in `column`.
    *
    * @param argument
    *   the place of a column that the function reads too
    */
  def apply(
      dataset: Dataset[_],
      column: String,
      originCol: Option[String],
      added: Seq[StructField],
      function: ImageFunction,
      argument: Option[Int] = None
  ): DataFrame = {
    val child = DataFrames.plan(dataset)
    val place = ImageColumn.of(dataset.schema, column, originCol)
    def value(index: Option[Int]): Expression = index.fold(nothing)(child.output(_))
    mapped(dataset, added)(
      MapImages(
        child.output(place.image),
        value(place.origin),
        value(place.defaultOrigin),
        value(argument),
        function,
        _,
        child
      )
    )
  }

  /** The dataset with the columns that `function` computes of the texts in `column`, which it gets as bytes in UTF-8. */
  def ofTexts(dataset: Dataset[_], column: String, added: Seq[StructField], function: ImageFunction): DataFrame = {
    val child = DataFrames.plan(dataset)
    val text = Cast(child.output(textColumn(dataset.schema, column)), BinaryType)
    mapped(dataset, added)(MapImages(text, nothing, nothing, nothing, function, _, child))
  }

  /** The place of a column of texts.
    *
    * @throws ParameterException
    *   when there is no such column, or it holds something else
    */
  def textColumn(schema: StructType, column: String): Int = {
    val index = ColumnNames.indexOf(schema, column, "the texts")
    if (schema(index).dataType != StringType)
      throw new ParameterException(
        s"The column '$column' has type ${schema(index).dataType.simpleString}; texts are read from a string column."
      )
    index
  }

  private def nothing: Expression = Literal(null, StringType)

  private def mapped(dataset: Dataset[_], added: Seq[StructField])(map: Seq[Attribute] => MapImages): DataFrame = {
    SessionRules.install(dataset.sparkSession)
    val results = added.map(field => AttributeReference(field.name, field.dataType, field.nullable, field.metadata)())
    val mapped = map(results)
    // New names for the results: Spark can rename those of a Project, so that the result may be joined with itself.
    DataFrames.of(
      dataset.sparkSession,
      Project(mapped.child.output ++ results.map(result => Alias(result, result.name)()), mapped)
    )
  }
}
