package sparkvision.ml.task

import org.apache.spark.sql.Row
import org.apache.spark.sql.types._

import sparkvision.image.CropBox

/** One element of a column of detections: what to cut out, and what is known of it.
  *
  * @param metadata
  *   `label` and `score`, where the column has them
  */
final private[ml] case class FoundBox(box: CropBox, metadata: Map[String, String])

private[ml] object FoundBox {
  private val Edges = Seq("xmin", "ymin", "xmax", "ymax")
  private val Known = Seq("label", "score")

  /** Whether a column of this type may hold detections: those of a detection stage, or boxes of one's own, with edges of
    * any numeric type and without label and score if need be.
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

  /** The boxes in a value of such a column; None where it is null. */
  def all(value: Any): Option[Seq[FoundBox]] =
    Option(value).map(_.asInstanceOf[scala.collection.Seq[Row]].map(of).toSeq)

  /** A missing number is none, as a missing box has none: both are reported as such. */
  private def of(detection: Row): FoundBox = {
    val box = Option(detection).flatMap(field(_, "box")).collect { case box: Row => box }
    def edge(name: String) =
      box.flatMap(field(_, name)).collect { case number: Number => number.doubleValue }.getOrElse(Double.NaN)
    val known = Known.flatMap(name => Option(detection).flatMap(field(_, name)).map(value => name -> value.toString))
    FoundBox(CropBox(edge("xmin"), edge("ymin"), edge("xmax"), edge("ymax")), known.toMap)
  }

  private def field(row: Row, name: String): Option[Any] =
    if (row.schema.fieldNames.contains(name)) Option(row.getAs[Any](name)) else None
}
