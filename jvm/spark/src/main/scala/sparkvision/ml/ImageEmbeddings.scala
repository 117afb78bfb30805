package sparkvision.ml

import org.apache.spark.ml.util.Identifiable
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{BundleManifest, ModelTask, TensorInfo}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.postprocess.{EmbeddingsPostprocessor, Pooling}
import sparkvision.ml.output.EmbeddingsOutput
import sparkvision.ml.param.{EmbeddingsParams, PoolingParams}
import sparkvision.ml.stage.{BundleReadable, VisionModelStage}

/** Computes the embedding of each image with a model of any architecture, exactly as Hugging Face does.
  *
  * {{{
  * val embeddings = ImageEmbeddings.loadSavedModel("my-features", spark)
  *   .setInputCols("image").setEmbeddingsCol("features").setPooling("mean").setNormalize(true)
  * new LogisticRegression().fit(embeddings.transform(images))
  * }}}
  *
  * Runs the bundles that `sparkvision export --task feature-extraction` makes. Input: the same as of
  * [[ImageClassification]]. Output: each input row, with a column of `image_embeddings` annotations (outputCol) or of
  * vectors (embeddingsCol).
  */
class ImageEmbeddings(override val uid: String) extends VisionModelStage with EmbeddingsParams with PoolingParams {
  def this() = this(Identifiable.randomUID("ImageEmbeddings"))

  private[ml] type Result = Array[Float]

  private[ml] def output(manifest: BundleManifest): EmbeddingsOutput = EmbeddingsOutput(
    postprocessor(manifest).size,
    outputCol = getOutputCol,
    embeddingsCol = getEmbeddingsCol,
    errorCol = getErrorCol
  )

  private[ml] override def sizedOutput(manifest: BundleManifest): Option[TensorInfo] =
    Some(postprocessor(manifest).output)

  private def postprocessor(manifest: BundleManifest) =
    new EmbeddingsPostprocessor(manifest, Pooling.parse(getPooling), getNormalize)

  private[ml] def outputParams: Seq[String] = Seq(outputCol, embeddingsCol, errorCol).map(_.name)

  private[ml] def requireRunnable(manifest: BundleManifest): Unit = {
    val task = ModelTask.FeatureExtraction
    requireTask(
      manifest,
      task,
      "gives no embeddings",
      s"export the checkpoint with `sparkvision export --task ${task.name}`"
    )
  }

  private[ml] override def settings(spark: SparkSession): ModelSettings =
    super.settings(spark).copy(pooling = Pooling.parse(getPooling), normalize = getNormalize)
}

object ImageEmbeddings extends BundleReadable[ImageEmbeddings] {
  override protected def make(): ImageEmbeddings = new ImageEmbeddings

  override def load(path: String): ImageEmbeddings = super.load(path)
}
