package sparkvision.ml.column

import org.apache.spark.sql.Row
import org.apache.spark.sql.types._

import sparkvision.image.Box

/** One element of a column of detections: the box of an object, and what is known of the object.
  *
  * @param metadata
  *   `label` and `score`, where the column has them
  */
final private[ml] case class DetectedBox(box: Box, metadata: Map[String, String])

private[ml] object DetectedBox {
  private val Edges = Seq("xmin", "ymin", "xmax", "ymax")
  private val Known = Seq("label", "score")

  /** Whether a column of this type may hold detections: those of a detection stage, or a user's own boxes, whose edges have
    * any numeric type and which may lack label and score.
    */
  def areIn(dataType: DataType): Boolean = dataType match {
    case ArrayType(detection: StructType, _) =>
      detection.exists {
        case StructField("box", box: StructType, _, _) =>
          Edges.forall(edge => box.exists(field => field.name == edge && field.dataType.isInstanceOf[NumericType]))
        case _ => false
      }
    case _ => false
  }

  /** The boxes in a value of such a column; None for null. */
  def all(value: Any): Option[Seq[DetectedBox]] =
    Option(value).map(_.asInstanceOf[scala.collection.Seq[Row]].map(of).toSeq)

  /** A missing edge becomes NaN, and a missing box has only such edges; cropping reports both. */
  private def of(detection: Row): DetectedBox = {
    val box = Option(detection).flatMap(field(_, "box")).collect { case box: Row => box }
    def edge(name: String) =
      box.flatMap(field(_, name)).collect { case number: Number => number.doubleValue }.getOrElse(Double.NaN)
    val known = Known.flatMap(name => Option(detection).flatMap(field(_, name)).map(value => name -> value.toString))
    DetectedBox(Box(edge("xmin"), edge("ymin"), edge("xmax"), edge("ymax")), known.toMap)
  }

  private def field(row: Row, name: String): Option[Any] =
    if (row.schema.fieldNames.contains(name)) Option(row.getAs[Any](name)) else None
}
