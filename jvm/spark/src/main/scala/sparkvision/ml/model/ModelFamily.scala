package sparkvision.ml.model

import sparkvision.engine.bundle.{BundleManifest, ModelTask}

/** The architectures that have a stage of their own, as users of Spark NLP expect.
  *
  * @param stage
  *   the class name of the stage
  * @param architectures
  *   the Hugging Face classes whose bundles the stage runs
  */
final private[ml] case class ModelFamily private (task: ModelTask, stage: String, architectures: Seq[String]) {

  /** Whether the stage runs bundles of an architecture. */
  def runs(architecture: String): Boolean =
    ModelFamily.Unnamed(architecture) || architectures.contains(architecture)
}

private[ml] object ModelFamily {
  val ViT: ModelFamily = classification("ViT")
  val Swin: ModelFamily = classification("Swin", "Swinv2ForImageClassification")
  val ConvNext: ModelFamily = classification("ConvNext", "ConvNextV2ForImageClassification")
  val DeiT: ModelFamily = classification("DeiT", "DeiTForImageClassificationWithTeacher")
  val Beit: ModelFamily = classification("Beit")
  val Dinov2: ModelFamily = classification("Dinov2", "Dinov2WithRegistersForImageClassification")
  val Yolos: ModelFamily = detection("Yolos")
  val Detr: ModelFamily = detection("Detr")
  private val viTFeatures = ModelFamily(ModelTask.FeatureExtraction, "ViTImageEmbeddings", Seq("ViTModel"))

  private val all = Seq(ViT, Swin, ConvNext, DeiT, Beit, Dinov2, Yolos, Detr, viTFeatures)

  /** Bundles that do not name an architecture: Spark NLP's folders, and graphs of other frameworks. */
  private val Unnamed = Set("", "onnx")

  /** The name of the stage that runs a bundle. */
  def stageFor(manifest: BundleManifest): String = {
    val named =
      all.find(family => family.task == manifest.task && family.architectures.contains(manifest.architecture))
    named
      .map(_.stage)
      .getOrElse(manifest.task match {
        case ModelTask.ImageClassification => "ImageClassification"
        case ModelTask.FeatureExtraction => "ImageEmbeddings"
        case ModelTask.ObjectDetection => "ObjectDetection"
        case ModelTask.ZeroShotImageClassification => "CLIPForZeroShotClassification or CLIPImageEmbeddings"
      })
  }

  private def classification(name: String, others: String*): ModelFamily = {
    val stage = s"${name}ForImageClassification"
    ModelFamily(ModelTask.ImageClassification, stage, stage +: others)
  }

  private def detection(name: String): ModelFamily = {
    val stage = s"${name}ForObjectDetection"
    ModelFamily(ModelTask.ObjectDetection, stage, Seq(stage))
  }
}
