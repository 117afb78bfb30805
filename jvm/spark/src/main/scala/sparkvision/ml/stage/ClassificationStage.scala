package sparkvision.ml.stage

import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.BundleManifest
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.postprocess.Prediction
import sparkvision.ml.output.ClassificationOutput
import sparkvision.ml.param.ClassificationParams

/** The base of every stage that labels images. */
abstract class ClassificationStage extends VisionModelStage with ClassificationParams {

  private[ml] type Result = Prediction

  /** The names of the classes, in the order of their ids. */
  def labels: Array[String] = labelsOf(model(SparkSession.active).manifest).toArray

  private[ml] def labelsOf(manifest: BundleManifest): IndexedSeq[String] = manifest.labels

  private[ml] def output(manifest: BundleManifest): ClassificationOutput = ClassificationOutput(
    labelsOf(manifest),
    manifest.problemType,
    outputCol = getOutputCol,
    rawPredictionCol = getRawPredictionCol,
    probabilityCol = getProbabilityCol,
    predictionCol = getPredictionCol,
    errorCol = getErrorCol
  )

  private[ml] def outputParams: Seq[String] =
    Seq(outputCol, predictionCol, probabilityCol, rawPredictionCol, errorCol).map(_.name)

  private[ml] override def settings(spark: SparkSession): ModelSettings =
    super.settings(spark).copy(topK = getTopK, threshold = getThreshold)
}
