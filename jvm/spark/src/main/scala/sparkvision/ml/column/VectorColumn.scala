package sparkvision.ml.column

import org.apache.spark.ml.attribute.AttributeGroup
import org.apache.spark.ml.linalg.{SQLDataTypes, Vector}
import org.apache.spark.sql.types._

import sparkvision.image.ParameterException

/** Reads embeddings from the values of a column of any supported type. */
private[ml] object VectorColumn {

  /** The index of the column.
    *
    * @throws ParameterException
    *   when the schema has no such column, or its type cannot hold embeddings
    */
  def indexOf(schema: StructType, column: String): Int = {
    val index = ColumnNames.indexOf(schema, column, "the embeddings")
    schema(index).dataType match {
      case SQLDataTypes.VectorType | ArrayType(FloatType | DoubleType, _) => index
      case other =>
        throw new ParameterException(
          s"The column '$column' has type ${other.simpleString}, which cannot hold embeddings. It may be a vector of " +
            "Spark ML, array<float> or array<double>."
        )
    }
  }

  /** The length of the vectors, if the column's metadata contains it. */
  def declaredSize(column: StructField): Option[Int] =
    Option.when(column.dataType == SQLDataTypes.VectorType)(AttributeGroup.fromStructField(column).size).filter(_ > 0)

  /** @param value
    *   as in a Row
    * @return
    *   the numbers, NaN for a null among them; or null
    */
  def numbers(value: Any): Array[Double] = value match {
    case null => null
    case vector: Vector => vector.toArray
    case array =>
      val elements = array.asInstanceOf[scala.collection.Seq[Any]]
      elements.iterator.map { case number: Number => number.doubleValue; case _ => Double.NaN }.toArray
  }
}
