package sparkvision.ml.column

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.types.{StringType, StructField, StructType}

import sparkvision.image.ParameterException

/** Finds and adds columns by name, as Spark does: the session's setting says whether case matters. */
private[ml] object ColumnNames {

  /** @param role
    *   the purpose of the column, for the message
    * @throws ParameterException
    *   when there is no such column, or more than one
    */
  def indexOf(schema: StructType, name: String, role: String): Int =
    indicesOf(schema, name) match {
      case Seq(index) => index
      case Seq() =>
        throw new ParameterException(
          s"There is no column '$name' for $role; the columns are ${schema.fieldNames.mkString(", ")}."
        )
      case several =>
        throw new ParameterException(
          s"There are ${several.size} columns '$name', and $role can be only one of them. Rename or drop the others."
        )
    }

  /** The index of a column of texts.
    *
    * @throws ParameterException
    *   when there is no such column, or its type is not string
    */
  def indexOfText(schema: StructType, name: String): Int = {
    val index = indexOf(schema, name, "the texts")
    if (schema(index).dataType != StringType)
      throw new ParameterException(
        s"The column '$name' has type ${schema(index).dataType.simpleString}; texts are read from a string column."
      )
    index
  }

  /** The schema with columns added.
    *
    * @throws ParameterException
    *   when a column of that name exists
    */
  def append(schema: StructType, added: Seq[StructField]): StructType =
    added.foldLeft(schema) { (present, field) =>
      if (indicesOf(present, field.name).nonEmpty)
        throw new ParameterException(
          s"The column '${field.name}' would be there twice: it exists already, or two output columns share the name. " +
            "Set another name."
        )
      present.add(field)
    }

  def indicesOf(schema: StructType, name: String): Seq[Int] =
    schema.fieldNames.toSeq.zipWithIndex.collect { case (other, index) if same(name, other) => index }

  private def same(name: String, other: String): Boolean =
    if (caseSensitive) name == other else name.equalsIgnoreCase(other)

  private def caseSensitive: Boolean =
    // SparkSession.active would fail where there is no session, and a Python thread may have no active session.
    SparkSession.getActiveSession
      .orElse(SparkSession.getDefaultSession)
      .exists(_.conf.get("spark.sql.caseSensitive", "false").toBoolean)
}
