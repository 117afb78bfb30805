package sparkvision.ml

import org.apache.spark.ml.util.Identifiable
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{BundleManifest, ModelTask}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.postprocess.Detection
import sparkvision.ml.model.ModelFamily
import sparkvision.ml.output.DetectionOutput
import sparkvision.ml.param.DetectionParams
import sparkvision.ml.stage.{BundleReadable, VisionModelStage}

/** Finds objects in images with a model of any architecture, exactly as Hugging Face does.
  *
  * {{{
  * val detector = ObjectDetection.loadSavedModel("my-detector", spark)
  *   .setInputCols("image").setDetectionsCol("objects").setThreshold(0.9)
  * detector.transform(images).select("objects.label", "objects.box")
  * }}}
  *
  * Input: the same as of [[ImageClassification]]. Output: each input row, with a column of `detection` annotations
  * (outputCol), one for each object, best first, or of typed objects (detectionsCol). Boxes are in pixels of the upright
  * original.
  */
class ObjectDetection(override val uid: String) extends VisionModelStage with DetectionParams {
  def this() = this(Identifiable.randomUID("ObjectDetection"))

  private[ml] type Result = Seq[Detection]

  /** The architectures that a named stage runs; None for all of them. */
  private[ml] def family: Option[ModelFamily] = None

  setDefault(batchSize -> ModelTask.ObjectDetection.batchSize)

  override protected def batchSizeDoc: String =
    "maximum number of images that the model gets at once; they are padded to one size, so that with more than 1 the " +
      "numbers of an image depend on its neighbours, as in transformers"

  /** The names of the classes, in the order of their ids. */
  def labels: Array[String] = model(SparkSession.active).manifest.labels.toArray

  private[ml] def output(manifest: BundleManifest): DetectionOutput =
    DetectionOutput(outputCol = getOutputCol, detectionsCol = getDetectionsCol, errorCol = getErrorCol)

  private[ml] def outputParams: Seq[String] = Seq(outputCol, detectionsCol, errorCol).map(_.name)

  private[ml] def requireRunnable(manifest: BundleManifest): Unit = {
    val task = ModelTask.ObjectDetection
    requireTask(manifest, task, "finds no objects", s"a bundle for ${task.name}")
    requireArchitecture(manifest, family)
  }

  private[ml] override def settings(spark: SparkSession): ModelSettings =
    super.settings(spark).copy(topK = getTopK, threshold = getThreshold)
}

object ObjectDetection extends BundleReadable[ObjectDetection] {
  override protected def make(): ObjectDetection = new ObjectDetection

  override def load(path: String): ObjectDetection = super.load(path)
}
