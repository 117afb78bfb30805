package sparkvision.ml

import org.apache.spark.ml.util.Identifiable

import sparkvision.engine.bundle.{BundleManifest, ModelTask}
import sparkvision.ml.model.ModelFamily
import sparkvision.ml.stage.{BundleReadable, ClassificationStage}

/** Labels images with a model of any architecture, exactly as Hugging Face does.
  *
  * {{{
  * val classification = ImageClassification.loadSavedModel("my-model", spark)
  *   .setInputCols("image").setOutputCol("class").setErrorCol("error")
  * classification.transform(images).select("class.result", "error")
  * }}}
  *
  * Input: a column of the annotations of ImageAssembler, of encoded bytes, of paths, or of `binaryFile` or `image` structs.
  * Output: each input row, with a column of `category` annotations (best label first) and the columns of Spark ML.
  *
  * Without topK the stage reports one label, and for a multi-label model every label at or above threshold; topK limits
  * both.
  */
class ImageClassification(override val uid: String) extends ClassificationStage {
  def this() = this(Identifiable.randomUID("ImageClassification"))

  /** The architectures that a named stage runs; None for all of them. */
  private[ml] def family: Option[ModelFamily] = None

  private[ml] def requireRunnable(manifest: BundleManifest): Unit = {
    val task = ModelTask.ImageClassification
    requireTask(manifest, task, "does not label images", s"a bundle for ${task.name}")
    requireArchitecture(manifest, family)
  }
}

object ImageClassification extends BundleReadable[ImageClassification] {
  override protected def make(): ImageClassification = new ImageClassification

  override def load(path: String): ImageClassification = super.load(path)
}
