package sparkvision.ml.stage

import sparkvision.engine.bundle.{BundleManifest, ModelTask}

/** The architectures that have a stage of their own, as Spark NLP's users expect.
  *
  * @param stage
  *   the stage's class name
  * @param architectures
  *   the Hugging Face classes whose bundles it runs
  */
sealed abstract private[ml] class ModelFamily(val stage: String, val architectures: String*)

private[ml] object ModelFamily {
  case object ViT extends ModelFamily("ViTForImageClassification", "ViTForImageClassification")

  case object Swin
      extends ModelFamily("SwinForImageClassification", "SwinForImageClassification", "Swinv2ForImageClassification")

  case object ConvNext
      extends ModelFamily(
        "ConvNextForImageClassification",
        "ConvNextForImageClassification",
        "ConvNextV2ForImageClassification"
      )

  case object DeiT
      extends ModelFamily(
        "DeiTForImageClassification",
        "DeiTForImageClassification",
        "DeiTForImageClassificationWithTeacher"
      )

  case object Beit extends ModelFamily("BeitForImageClassification", "BeitForImageClassification")

  case object Dinov2
      extends ModelFamily(
        "Dinov2ForImageClassification",
        "Dinov2ForImageClassification",
        "Dinov2WithRegistersForImageClassification"
      )

  case object Yolos extends ModelFamily("YolosForObjectDetection", "YolosForObjectDetection")

  case object Detr extends ModelFamily("DetrForObjectDetection", "DetrForObjectDetection")

  private val all = Seq(ViT, Swin, ConvNext, DeiT, Beit, Dinov2, Yolos, Detr)

  /** Bundles that do not say which architecture they hold: Spark NLP's folders, and graphs of other frameworks. */
  private val unnamed = Set("", "onnx")

  /** The stage for a bundle. */
  def stageFor(manifest: BundleManifest): String = manifest.task match {
    case ModelTask.FeatureExtraction => "ViTImageEmbeddings"
    case ModelTask.ZeroShotImageClassification => "CLIPForZeroShotClassification or CLIPImageEmbeddings"
    case ModelTask.ObjectDetection => named(manifest).getOrElse(s"${Yolos.stage} or ${Detr.stage}")
    case ModelTask.ImageClassification => named(manifest).getOrElse("ImageClassification")
  }

  private def named(manifest: BundleManifest): Option[String] =
    all.find(_.architectures.contains(manifest.architecture)).map(_.stage)

  /** Whether the stage of `family` runs bundles of `architecture`. */
  def runs(family: ModelFamily, architecture: String): Boolean =
    unnamed(architecture) || family.architectures.contains(architecture)
}
