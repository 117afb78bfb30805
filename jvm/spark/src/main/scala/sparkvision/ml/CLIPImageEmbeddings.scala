package sparkvision.ml

import org.apache.spark.ml.util.Identifiable
import org.apache.spark.sql.SparkSession

import sparkvision.engine.bundle.{BundleManifest, TensorInfo}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.ml.output.EmbeddingsOutput
import sparkvision.ml.param.EmbeddingsParams
import sparkvision.ml.stage.{BundleReadable, VisionModelStage}

/** Computes the embedding of each image with a CLIP model: `image_embeds` of transformers. It can be compared with the
  * embeddings of [[CLIPTextEmbeddings]], so that texts find images.
  *
  * {{{
  * CLIPImageEmbeddings.loadSavedModel("my-clip", spark).setInputCols("image").setEmbeddingsCol("features")
  * }}}
  *
  * Columns and Params are those of [[ImageEmbeddings]], without pooling.
  */
class CLIPImageEmbeddings(override val uid: String) extends VisionModelStage with EmbeddingsParams {
  def this() = this(Identifiable.randomUID("CLIPImageEmbeddings"))

  private[ml] type Result = Array[Float]

  private[ml] def output(manifest: BundleManifest): EmbeddingsOutput = EmbeddingsOutput(
    embedding(manifest).shape.last.toInt,
    outputCol = getOutputCol,
    embeddingsCol = getEmbeddingsCol,
    errorCol = getErrorCol
  )

  private[ml] override def sizedOutput(manifest: BundleManifest): Option[TensorInfo] = Some(embedding(manifest))

  private def embedding(manifest: BundleManifest): TensorInfo = manifest.outputs.head

  private[ml] def outputParams: Seq[String] = Seq(outputCol, embeddingsCol, errorCol).map(_.name)

  private[ml] def requireRunnable(manifest: BundleManifest): Unit = requireZeroShot(manifest)

  private[ml] override def settings(spark: SparkSession): ModelSettings =
    super.settings(spark).copy(normalize = getNormalize)
}

object CLIPImageEmbeddings extends BundleReadable[CLIPImageEmbeddings] {
  override protected def make(): CLIPImageEmbeddings = new CLIPImageEmbeddings

  override def load(path: String): CLIPImageEmbeddings = super.load(path)
}
