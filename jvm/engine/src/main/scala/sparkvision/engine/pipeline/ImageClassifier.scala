package sparkvision.engine.pipeline

import sparkvision.engine.bundle.{BundleException, ModelBundle, ModelTask}
import sparkvision.engine.postprocess.{EmbeddingComparison, ClassificationPostprocessor, Prediction}
import sparkvision.engine.text.{CandidateLabels, LabelEmbeddings}

/** From a graph's first output to labels. That output is logits; of a zero-shot model it is an embedding, which is compared
  * with those of the candidate labels.
  *
  * Makes no session: the embeddings of the labels are had when the first image needs them.
  *
  * @param topK
  *   as of [[ClassificationPostprocessor]]
  * @throws BundleException
  *   when the bundle gives no labels
  * @throws ParameterException
  *   when a zero-shot model has no labels to choose among
  */
final private[engine] class ImageClassifier(bundle: ModelBundle, settings: ModelSettings, topK: Option[Int]) {
  private val manifest = bundle.manifest
  private val hypotheses = manifest.task match {
    case ModelTask.ImageClassification => None
    case ModelTask.ZeroShotImageClassification =>
      Some(settings.candidateLabels.getOrElse(CandidateLabels()).in(manifest))
    case other =>
      throw new BundleException(
        s"The bundle ${bundle.folder} is for ${other.name}: it gives no logits of images."
      )
  }
  private val postprocessor =
    new ClassificationPostprocessor(hypotheses.fold(manifest.labels)(_.labels), manifest.problemType, topK, settings.threshold)
  private lazy val comparison = hypotheses.map { labels =>
    new EmbeddingComparison(
      LabelEmbeddings.of(bundle, labels, settings),
      manifest.text.fold(1.0)(_.logitScale)
    )
  }

  /** @param output
    *   one image's values of the graph's first output
    * @return
    *   one a label
    */
  def logits(output: Array[Float]): Array[Float] =
    postprocessor.requireOneALabel(comparison.fold(output)(_.logits(output)))

  def apply(output: Array[Float]): Prediction = postprocessor(logits(output))
}
