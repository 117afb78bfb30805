package sparkvision.ml.column

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.types.StructType

import sparkvision.image.ParameterException

/** Finds columns as Spark does: by name, with the session's rule about upper and lower case. */
private[ml] object ColumnNames {

  /** @param role
    *   what the column is for, for the message
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

  def indicesOf(schema: StructType, name: String): Seq[Int] =
    schema.fieldNames.toSeq.zipWithIndex.collect { case (other, index) if same(name, other) => index }

  private def same(name: String, other: String): Boolean =
    if (caseSensitive) name == other else name.equalsIgnoreCase(other)

  private def caseSensitive: Boolean =
    // As SparkSession.active, which fails where there is none: a thread of Python's has no active session of its own.
    SparkSession.getActiveSession
      .orElse(SparkSession.getDefaultSession)
      .exists(_.conf.get("spark.sql.caseSensitive", "false").toBoolean)
}
