package sparkvision.ml.plan

import org.apache.spark.sql.catalyst.expressions.{Alias, AttributeReference, Expression, Literal}
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, Project}
import org.apache.spark.sql.sparkvision.DataFrames
import org.apache.spark.sql.types.{StringType, StructField}
import org.apache.spark.sql.{DataFrame, Dataset}

import sparkvision.ml.column.{ColumnNames, ImageColumn, SourceImage, VectorColumn}
import sparkvision.ml.task.RowFunction

/** Adds the columns that a function computes to a dataset. */
private[ml] object RowMapping {

  /** The dataset with the columns that `function` computes from the images in `column`.
    *
    * @param argument
    *   the index of a column that the function reads besides the images
    */
  def ofImages(
      dataset: Dataset[_],
      column: String,
      originCol: Option[String],
      added: Seq[StructField],
      function: RowFunction[SourceImage],
      argument: Option[Int] = None
  ): DataFrame = {
    val place = ImageColumn.of(dataset.schema, column, originCol)
    mapped(dataset, added, function) { child =>
      def value(index: Option[Int]): Expression = index.fold(imageOnly)(child.output(_))
      Seq(child.output(place.image), value(place.origin), value(place.defaultOrigin), value(argument))
    }
  }

  /** The dataset with the columns that `function` computes from the vectors in `column`. */
  def ofVectors(
      dataset: Dataset[_],
      column: String,
      added: Seq[StructField],
      function: RowFunction[Array[Double]]
  ): DataFrame = {
    val vector = VectorColumn.indexOf(dataset.schema, column)
    mapped(dataset, added, function)(child => Seq(child.output(vector)))
  }

  /** The dataset with the columns that `function` computes from the texts in `column`. */
  def ofTexts(
      dataset: Dataset[_],
      column: String,
      added: Seq[StructField],
      function: RowFunction[Either[String, String]]
  ): DataFrame = {
    val text = ColumnNames.indexOfText(dataset.schema, column)
    mapped(dataset, added, function)(child => Seq(child.output(text)))
  }

  /** The values that a function of images reads when a query names only the image. */
  def valuesOf(image: Expression): Seq[Expression] = image +: Seq.fill(3)(imageOnly)

  private def imageOnly: Expression = Literal(null, StringType)

  private def mapped(dataset: Dataset[_], added: Seq[StructField], function: RowFunction[_])(
      values: LogicalPlan => Seq[Expression]
  ): DataFrame = {
    SessionRules.install(dataset.sparkSession)
    val child = DataFrames.plan(dataset)
    val results = added.map(field => AttributeReference(field.name, field.dataType, field.nullable, field.metadata)())
    // An alias for each result: Spark can rename the aliases of a Project, so that the result may be joined with itself.
    val named = results.map(result => Alias(result, result.name)())
    DataFrames.of(
      dataset.sparkSession,
      Project(child.output ++ named, MapRows(values(child), function, results, child))
    )
  }
}
