package sparkvision.ml.column

import org.apache.spark.sql.types.{StringType, StructType}

import sparkvision.image.ParameterException
import sparkvision.ml.param.HasInputCols

/** The columns that hold the images of a table and their names, by index.
  *
  * @param origin
  *   the column of names that the user chose
  * @param defaultOrigin
  *   a column of names for images that have no name of their own
  */
final private[ml] case class ImageColumn(image: Int, origin: Option[Int], defaultOrigin: Option[Int])

private[ml] object ImageColumn {
  private val DefaultOriginColumn = "path"

  /** The column from which a stage reads images.
    *
    * @throws ParameterException
    *   when the stage has no input column, or several
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
    *   when the schema has no such column, or its type cannot hold images
    */
  def of(schema: StructType, column: String, originCol: Option[String]): ImageColumn = {
    val index = ColumnNames.indexOf(schema, column, "the images")
    val dataType = schema(index).dataType
    if (!ImageReader.reads(dataType))
      throw new ParameterException(
        s"The column '$column' has type ${dataType.simpleString}, which cannot hold images. It may be " +
          "binary (encoded bytes), string (paths), a binaryFile or image struct, or ImageAssembler's output."
      )
    val origin = originCol.map(ColumnNames.indexOf(schema, _, "the images' names (originCol)"))
    origin.map(schema(_)).filter(_.dataType != StringType).foreach { field =>
      throw new ParameterException(
        s"originCol '${field.name}' has type ${field.dataType.simpleString}; it must be a string column."
      )
    }
    val named = ColumnNames.indicesOf(schema, DefaultOriginColumn).filter(schema(_).dataType == StringType)
    ImageColumn(index, origin, named.headOption)
  }
}
