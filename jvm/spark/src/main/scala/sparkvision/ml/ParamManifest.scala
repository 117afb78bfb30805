package sparkvision.ml

import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.node.ObjectNode
import org.apache.spark.ml.Transformer
import org.apache.spark.ml.param._

import sparkvision.ml.param.AllowedValues.{NumberFrom, OneOf}
import sparkvision.ml.param.HasInputCols
import sparkvision.ml.stage.{ClassificationStage, ModelStage, VisionModelStage}

/** Describes every stage and its Params as JSON, from which `scripts/gen_python.py` writes the Python classes: names,
  * types, docs, defaults and allowed values are written once, in Scala.
  */
object ParamManifest {

  /** Every public stage with its documentation; a stage comes after the one that it extends. */
  private val stages: Seq[(Transformer, String)] = Seq(
    new ImageAssembler -> "Converts images, in whichever form a table holds them, to a column of image annotations.",
    new ImageClassification -> "Labels images with a model of any architecture, exactly as Hugging Face does.",
    new ViTForImageClassification -> "Labels images with a Vision Transformer.",
    new SwinForImageClassification -> "Labels images with a Swin Transformer, version 1 or 2.",
    new ConvNextForImageClassification -> "Labels images with a ConvNeXT model, version 1 or 2.",
    new DeiTForImageClassification -> "Labels images with a DeiT model, with or without a distillation token.",
    new BeitForImageClassification -> "Labels images with a BEiT model.",
    new Dinov2ForImageClassification -> "Labels images with a DINOv2 model, with or without registers.",
    new ImageEmbeddings -> "Computes the embedding of each image with a model of any architecture, exactly as Hugging Face does.",
    new ViTImageEmbeddings -> "Computes the embedding of each image with a Vision Transformer, exactly as Hugging Face does.",
    new SimilarImages -> "Finds the images of an index that are most similar to each image, by their embeddings.",
    new ObjectDetection -> "Finds objects in images with a model of any architecture, exactly as Hugging Face does.",
    new YolosForObjectDetection -> "Finds objects in images with a YOLOS model, exactly as Hugging Face does.",
    new DetrForObjectDetection -> "Finds objects in images with a DETR model, exactly as Hugging Face does.",
    new ImageCropper -> "Crops the boxes that a detection stage found from their images, for the next stage.",
    new CLIPForZeroShotClassification -> "Labels images with labels that you choose, with a CLIP model.",
    new CLIPImageEmbeddings -> "Computes the embedding of each image with a CLIP model, to compare with the embeddings of texts.",
    new CLIPTextEmbeddings -> "Computes the embedding of each text with a CLIP model, to compare with the embeddings of images.",
    new PerceptualHash -> "Computes a perceptual hash of each image, with the bits of the Python library imagehash.",
    new ImageDeduplicator -> "Groups images that are duplicates of each other, and chooses a representative of each group."
  )

  private val mapper = new ObjectMapper

  /** Prints the manifest. */
  def main(args: Array[String]): Unit = println(json)

  def json: String = {
    val root = mapper.createArrayNode()
    stages.foreach { case (stage, doc) => describe(root.addObject(), stage, doc) }
    mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root)
  }

  private def describe(node: ObjectNode, stage: Transformer, doc: String): Unit = {
    node.put("className", stage.getClass.getName).put("doc", doc).put("kind", kindOf(stage))
    val parent = stage.getClass.getSuperclass.getName
    if (stages.exists(_._1.getClass.getName == parent)) node.put("parent", parent)
    val params = node.putArray("params")
    stage.params.sortBy(_.name).foreach { param =>
      val described = params.addObject().put("name", param.name).put("type", typeOf(param)).put("doc", param.doc)
      stage.getDefault(param).foreach(value => described.putPOJO("default", value))
      describeAllowed(described, param.isValid)
    }
  }

  private def describeAllowed(described: ObjectNode, isValid: Any): Unit = isValid match {
    case OneOf(_, names) =>
      val _ = described.putPOJO("oneOf", names.toArray)
    case NumberFrom(_, lowest, highest) =>
      described.putPOJO("lowest", lowest)
      highest.foreach(described.putPOJO("highest", _))
    case _ => // any value of the Param's type, or what the stage alone can judge
  }

  private def kindOf(stage: Transformer): String = stage match {
    case _: ClassificationStage => "classification"
    case _: VisionModelStage => "model"
    case _: SimilarImages => "similarity"
    case _: HasInputCols => "columns"
    case _: ModelStage => "texts"
    case _ => "images"
  }

  /** The types that Spark Connect carries; a Param of any other type would break a stage there. */
  private def typeOf(param: Param[_]): String = param match {
    case _: IntParam => "int"
    case _: LongParam => "long"
    case _: DoubleParam => "double"
    case _: BooleanParam => "boolean"
    case _: StringArrayParam => "stringArray"
    case _: DoubleArrayParam => "doubleArray"
    case other if other.getClass == classOf[Param[_]] => "string"
    case other => throw new IllegalStateException(s"Param ${other.name} has a type that Spark Connect does not carry")
  }
}
