package sparkvision.ml

import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{BundleException, BundleManifest, ModelTask}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.postprocess.Detection
import sparkvision.ml.output.DetectionOutput
import sparkvision.ml.param.DetectionParams
import sparkvision.ml.stage.{ModelFamily, VisionModelStage}

/** Finds objects in images, exactly as Hugging Face would.
  *
  * Input: as of [[ImageClassification]]. Output: for each row its row, with a column of `detection` annotations (outputCol),
  * one for each object, best first, or of typed objects (detectionsCol). Boxes are in pixels of the upright original.
  */
abstract class ObjectDetection extends VisionModelStage with DetectionParams {

  private[ml] type Result = Seq[Detection]

  /** The architecture that a stage runs. */
  private[ml] def family: ModelFamily

  setDefault(batchSize -> ModelTask.ObjectDetection.batchSize)

  override protected def batchSizeDoc: String =
    "images the model is given at once, at most; they are padded to one size, so that with more than 1 an image's " +
      "numbers depend on its neighbours, as in transformers"

  /** The names of the classes, in the order of their ids. */
  def labels: Array[String] = bundle(SparkSession.active).manifest.labels.toArray

  private[ml] def output(manifest: BundleManifest): DetectionOutput =
    DetectionOutput(outputCol = getOutputCol, detectionsCol = getDetectionsCol, errorCol = getErrorCol)

  private[ml] def outputParams: Seq[String] = Seq(outputCol, detectionsCol, errorCol).map(_.name)

  private[ml] def requireRunnable(manifest: BundleManifest): Unit =
    if (manifest.task != ModelTask.ObjectDetection || !ModelFamily.runs(family, manifest.architecture))
      throw new BundleException(
        s"The bundle at $modelUri holds a ${manifest.architecture} for ${manifest.task.name}, but ${family.stage} runs " +
          s"${family.architectures.mkString(" and ")} for ${ModelTask.ObjectDetection.name}. Use " +
          s"${ModelFamily.stageFor(manifest)}."
      )

  private[ml] override def settings(spark: SparkSession): ModelSettings =
    super.settings(spark).copy(topK = getTopK, threshold = getThreshold)
}
