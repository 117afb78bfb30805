package sparkvision.ml.output

import org.apache.spark.sql.Row
import org.apache.spark.sql.types._

import sparkvision.engine.LocalModel
import sparkvision.engine.postprocess.Detection
import sparkvision.image.{Box, ImageInput}
import sparkvision.ml.column.{Annotation, SourceImage}

/** The columns that a detection stage adds, each if its Param is set. */
final private[ml] case class DetectionOutput(
    outputCol: Option[String],
    detectionsCol: Option[String],
    errorCol: Option[String]
) extends ModelOutput[Seq[Detection]] {
  import DetectionOutput._

  @transient lazy val fields: Seq[StructField] = Seq(
    outputCol.map(Annotation.resultField(_, Annotation.Detection)),
    detectionsCol.map(StructField(_, detectionsType)),
    errorCol.map(StructField(_, StringType))
  ).flatten

  def results[A](model: LocalModel, items: Iterator[A])(
      image: A => ImageInput
  ): Iterator[(A, Either[String, Seq[Detection]])] = model.detections(items)(image)

  /** Without a result the annotation is empty and the objects are null; an image without objects has an empty array. */
  def values(source: SourceImage, result: Either[String, Seq[Detection]]): Seq[Any] = {
    val detections = result.toOption
    Seq(
      outputCol.map(_ => detections.fold(Seq.empty[Any])(annotations(source, _))),
      detectionsCol.map(_ => detections.map(_.map(row)).orNull),
      errorCol.map(_ => result.left.toOption.orNull)
    ).flatten
  }
}

private[ml] object DetectionOutput {
  private val sides = Seq("xmin", "ymin", "xmax", "ymax").map(StructField(_, FloatType, nullable = false))

  /** A column of objects. */
  val detectionsType: ArrayType = ArrayType(
    StructType(
      Seq(
        StructField("label", StringType, nullable = false),
        StructField("score", FloatType, nullable = false),
        StructField("box", StructType(sides), nullable = false)
      )
    ),
    containsNull = false
  )

  private def row(found: Detection): Row =
    Row(found.label, found.score, Row.fromSeq(edges(found.box).map(_._2)))

  private def edges(box: Box): Seq[(String, Float)] =
    Seq("xmin" -> box.xmin, "ymin" -> box.ymin, "xmax" -> box.xmax, "ymax" -> box.ymax).map { case (name, edge) =>
      name -> edge.toFloat
    }

  /** One annotation per object, best first. */
  private def annotations(source: SourceImage, detections: Seq[Detection]): Seq[Row] = {
    val facts = source.facts.asMetadata
    detections.map { found =>
      val numbers = edges(found.box).toMap + ("score" -> found.score)
      Annotation.result(Annotation.Detection, facts ++ numbers.view.mapValues(_.toString), found.label)
    }
  }
}
