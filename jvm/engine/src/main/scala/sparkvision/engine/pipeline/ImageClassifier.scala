package sparkvision.engine.pipeline

import sparkvision.engine.bundle.{BundleException, ModelBundle, ModelTask}
import sparkvision.engine.postprocess.{ClassificationPostprocessor, EmbeddingComparison, Prediction}
import sparkvision.engine.session.ExecutorRuntime
import sparkvision.engine.text.{CandidateLabels, Hypotheses, LabelEmbeddings}

/** Converts the first output of a graph to labels. The output is logits, or for a zero-shot model an embedding, which is
  * compared with the embeddings of the candidate labels.
  *
  * Opens no session at first: the embeddings of the labels are computed when the first image needs them.
  *
  * @param topK
  *   as of [[ClassificationPostprocessor]]
  * @throws BundleException
  *   when the model has no labels
  * @throws ParameterException
  *   when a zero-shot model has no labels to choose from
  */
final private[engine] class ImageClassifier(
    bundle: ModelBundle,
    settings: ModelSettings,
    topK: Option[Int],
    runtime: ExecutorRuntime
) {
  private val manifest = bundle.manifest
  private val hypotheses = manifest.task match {
    case ModelTask.ImageClassification => None
    case ModelTask.ZeroShotImageClassification =>
      Some(settings.candidateLabels.getOrElse(CandidateLabels()).in(manifest))
    case other =>
      throw new BundleException(
        s"The bundle ${bundle.folder} is for ${other.name}: it has no logits of images."
      )
  }
  private val postprocessor = new ClassificationPostprocessor(
    hypotheses.fold(manifest.labels)(_.labels),
    manifest.problemType,
    topK,
    settings.threshold
  )
  // Not a lazy val, which would hold a lock while the text model runs. Threads that need the labels at the same time wait for
  // one run of the text model in LabelEmbeddings.
  @volatile private var compared = Option.empty[EmbeddingComparison]

  /** @param output
    *   the values of one image in the graph's first output
    * @return
    *   one logit for each label
    */
  def logits(output: Array[Float]): Array[Float] =
    postprocessor.requireOneALabel(hypotheses.fold(output)(comparison(_).logits(output)))

  def apply(output: Array[Float]): Prediction = postprocessor(logits(output))

  private def comparison(labels: Hypotheses): EmbeddingComparison = compared.getOrElse {
    val made = new EmbeddingComparison(
      LabelEmbeddings.of(runtime).of(bundle, labels, settings.sessionSettings),
      manifest.text.fold(1.0)(_.logitScale)
    )
    compared = Some(made)
    made
  }
}
