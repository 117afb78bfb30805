package sparkvision.ml

import org.apache.spark.ml.util.Identifiable

import sparkvision.engine.bundle.{BundleException, BundleManifest, ModelTask}
import sparkvision.ml.model.BundleReadable
import sparkvision.ml.stage.{ClassificationStage, ModelFamily}

/** Labels images with a model of any architecture, exactly as Hugging Face would.
  *
  * {{{
  * val classification = ImageClassification.loadSavedModel("my-model", spark)
  *   .setInputCols("image").setOutputCol("class").setErrorCol("error")
  * classification.transform(images).select("class.result", "error")
  * }}}
  *
  * Input: a column of ImageAssembler's annotations, of encoded bytes, of paths, or of `binaryFile` or `image` structs.
  * Output: for each row its row, with a column of `category` annotations (best label first) and those of Spark ML.
  */
class ImageClassification(override val uid: String) extends ClassificationStage {
  def this() = this(Identifiable.randomUID("ImageClassification"))

  /** The architectures that a named stage runs; None for all of them. */
  private[ml] def family: Option[ModelFamily] = None

  private[ml] def requireRunnable(manifest: BundleManifest): Unit = {
    if (manifest.task != ModelTask.ImageClassification)
      throw new BundleException(
        s"The bundle at $modelUri is for ${manifest.task.name} and does not label images. Use " +
          s"${ModelFamily.stageFor(manifest)}, or a bundle for ${ModelTask.ImageClassification.name}."
      )
    family.filterNot(ModelFamily.runs(_, manifest.architecture)).foreach { named =>
      throw new BundleException(
        s"The bundle at $modelUri holds a ${manifest.architecture}, but ${named.stage} runs " +
          s"${named.architectures.mkString(" and ")}. Use ${ModelFamily.stageFor(manifest)}."
      )
    }
  }
}

object ImageClassification extends BundleReadable[ImageClassification] {
  override protected def make(): ImageClassification = new ImageClassification

  override def load(path: String): ImageClassification = super.load(path)
}
