package sparkvision.ml

import org.apache.spark.ml.param._
import org.apache.spark.ml.util.Identifiable
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.{DataFrame, Dataset, SparkSession}

import sparkvision.engine.bundle.{BundleManifest, TensorInfo}
import sparkvision.ml.column.ColumnNames
import sparkvision.ml.output.EmbeddingsOutput
import sparkvision.ml.param.EmbeddingsParams
import sparkvision.ml.plan.RowMapping
import sparkvision.ml.stage.{BundleReadable, ModelStage}
import sparkvision.ml.task.EncodeTexts

/** Computes the embedding of each text with a CLIP model: `text_embeds` of transformers. It can be compared with the
  * embeddings of [[CLIPImageEmbeddings]], so that texts find images.
  *
  * {{{
  * CLIPTextEmbeddings.loadSavedModel("my-clip", spark).setInputCol("query").setEmbeddingsCol("features")
  * }}}
  *
  * Input: a string column. Output: each input row, with a column of vectors. A null text has no vector; a text that is
  * longer than the model reads is truncated.
  */
class CLIPTextEmbeddings(override val uid: String) extends ModelStage with EmbeddingsParams {
  def this() = this(Identifiable.randomUID("CLIPTextEmbeddings"))

  final val inputCol: Param[String] = new Param(this, "inputCol", "string column of the texts")
  setDefault(inputCol -> "text")

  def setInputCol(value: String): this.type = set(inputCol, value)
  def getInputCol: String = $(inputCol)

  override def transform(dataset: Dataset[_]): DataFrame = {
    val spark = dataset.sparkSession
    val model = this.model(spark)
    val output = this.output(model.manifest)
    val _ = withOutput(dataset.schema, output.fields)
    val function = EncodeTexts(uid, run(model.reference, spark), output, getNormalize)
    RowMapping.ofTexts(dataset, getInputCol, output.fields, function)
  }

  /** Reads the model's manifest, and opens no session. */
  override def transformSchema(schema: StructType): StructType = {
    val _ = ColumnNames.indexOfText(schema, getInputCol)
    withOutput(schema, output(model(SparkSession.active).manifest).fields)
  }

  private def output(manifest: BundleManifest): EmbeddingsOutput = EmbeddingsOutput(
    embedding(manifest).shape.last.toInt,
    outputCol = None,
    embeddingsCol = getEmbeddingsCol,
    errorCol = getErrorCol
  )

  private[ml] override def sizedOutput(manifest: BundleManifest): Option[TensorInfo] = Some(embedding(manifest))

  private def embedding(manifest: BundleManifest): TensorInfo = manifest.outputs.head

  private[ml] def outputParams: Seq[String] = Seq(embeddingsCol, errorCol).map(_.name)

  private[ml] def requireRunnable(manifest: BundleManifest): Unit = requireZeroShot(manifest)
}

object CLIPTextEmbeddings extends BundleReadable[CLIPTextEmbeddings] {
  override protected def make(): CLIPTextEmbeddings = new CLIPTextEmbeddings

  override def load(path: String): CLIPTextEmbeddings = super.load(path)
}
