package sparkvision.ml

import org.apache.spark.ml.util.Identifiable
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{BundleException, BundleManifest, ModelTask}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.postprocess.{EmbeddingsPostprocessor, Pooling}
import sparkvision.ml.model.BundleReadable
import sparkvision.ml.output.EmbeddingsOutput
import sparkvision.ml.param.{EmbeddingsParams, PoolingParams}
import sparkvision.ml.stage.{ModelFamily, VisionModelStage}

/** Gives each image's embedding, exactly as Hugging Face would.
  *
  * {{{
  * val embeddings = ViTImageEmbeddings.loadSavedModel("my-vit-features", spark)
  *   .setInputCols("image").setEmbeddingsCol("features").setPooling("mean").setNormalize(true)
  * new LogisticRegression().fit(embeddings.transform(images))
  * }}}
  *
  * Runs bundles of any architecture that `sparkvision export --task feature-extraction` made. Input: as of
  * [[ImageClassification]]. Output: for each row its row, with a column of `image_embeddings` annotations (outputCol) or
  * of vectors (embeddingsCol).
  */
class ViTImageEmbeddings(override val uid: String) extends VisionModelStage with EmbeddingsParams with PoolingParams {
  def this() = this(Identifiable.randomUID("ViTImageEmbeddings"))

  private[ml] type Result = Array[Float]

  private[ml] def output(manifest: BundleManifest): EmbeddingsOutput = EmbeddingsOutput(
    new EmbeddingsPostprocessor(manifest, Pooling.parse(getPooling), getNormalize).size,
    outputCol = getOutputCol,
    embeddingsCol = getEmbeddingsCol,
    errorCol = getErrorCol
  )

  private[ml] def outputParams: Seq[String] = Seq(outputCol, embeddingsCol, errorCol).map(_.name)

  private[ml] def requireRunnable(manifest: BundleManifest): Unit =
    if (manifest.task != ModelTask.FeatureExtraction)
      throw new BundleException(
        s"The bundle at $modelUri is for ${manifest.task.name} and gives no embeddings. Use " +
          s"${ModelFamily.stageFor(manifest)}, or export the checkpoint with " +
          "`sparkvision export --task feature-extraction`."
      )

  private[ml] override def settings(spark: SparkSession): ModelSettings =
    super.settings(spark).copy(pooling = Pooling.parse(getPooling), normalize = getNormalize)
}

object ViTImageEmbeddings extends BundleReadable[ViTImageEmbeddings] {
  override protected def make(): ViTImageEmbeddings = new ViTImageEmbeddings

  override def load(path: String): ViTImageEmbeddings = super.load(path)
}
