package sparkvision.ml

import org.apache.spark.sql.types.{StringType, StructType}

import sparkvision.engine.ParameterException

/** Where a table holds its pictures and what names them, as places of columns.
  *
  * @param origin
  *   the column that the user says names pictures
  * @param defaultOrigin
  *   a column that names pictures which do not know their own
  */
final private[ml] case class PictureColumn(picture: Int, origin: Option[Int], defaultOrigin: Option[Int])

private[ml] object PictureColumn {
  private val DefaultOriginColumn = "path"

  /** The one column that a stage reads pictures from.
    *
    * @throws ParameterException
    *   when the stage names none, or several
    */
  def nameOf(stage: HasInputCols): String = stage.get(stage.inputCols) match {
    case Some(Array(one)) => one
    case Some(several) =>
      throw new ParameterException(
        s"${stage.uid} takes exactly one input column, not ${several.length} (${several.mkString(", ")}): setInputCols([\"image\"])."
      )
    case None => throw new ParameterException(s"${stage.uid} has no input column: setInputCols([\"image\"]).")
  }

  /** @throws ParameterException
    *   when the schema has no such column, or one that cannot hold pictures
    */
  def of(schema: StructType, column: String, originCol: Option[String]): PictureColumn = {
    val index = ColumnNames.indexOf(schema, column, "the pictures")
    val dataType = schema(index).dataType
    if (!PictureReader.reads(dataType))
      throw new ParameterException(
        s"The column '$column' has type ${dataType.simpleString}, which cannot hold pictures. It may be " +
          "binary (encoded bytes), string (paths), a binaryFile or image struct, or ImageAssembler's output."
      )
    val origin = originCol.map(ColumnNames.indexOf(schema, _, "the pictures' names (originCol)"))
    origin.map(schema(_)).filter(_.dataType != StringType).foreach { field =>
      throw new ParameterException(
        s"originCol '${field.name}' has type ${field.dataType.simpleString}; it must be a string column."
      )
    }
    val named = ColumnNames.indicesOf(schema, DefaultOriginColumn).filter(schema(_).dataType == StringType)
    PictureColumn(index, origin, named.headOption)
  }
}
