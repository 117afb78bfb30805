package sparkvision.engine.pipeline

import scala.concurrent.duration._

import sparkvision.engine.bundle.{ModelBundle, ModelTask}
import sparkvision.engine.postprocess.{ClassificationPostprocessor, EmbeddingsPostprocessor, Pooling}
import sparkvision.engine.runtime.SessionConfig
import sparkvision.engine.session.{Batches, SessionSettings}
import sparkvision.engine.text.CandidateLabels
import sparkvision.image.ParameterException
import sparkvision.image.codec.{DecodeMode, ImageDecoder}
import sparkvision.image.preprocess.ProcessorOverrides

/** Everything that a user may choose about running a model, apart from the model.
  *
  * @param processor
  *   differences from the preprocessing of the bundle
  * @param batchSize
  *   images that the model is given at once, at most; None for the default of the model's task
  *   ([[sparkvision.engine.bundle.ModelTask.batchSize]])
  * @param maxImagePixels
  *   images with more pixels are refused before they are decoded (default: Pillow's decompression-bomb limit)
  * @param decodeMode
  *   whether large JPEGs are decoded completely, or only as far as the resize needs
  * @param topK
  *   labels, or objects, of each image, at most. None: the best label, and for a multi-label model all labels at or above
  *   `threshold`; all objects above `threshold`. If it is set, a multi-label model returns the best labels among those at
  *   or above `threshold`.
  * @param threshold
  *   for multi-label models: the lowest score that is reported; for detection models: objects with a higher score are
  *   reported
  * @param candidateLabels
  *   for zero-shot models: the labels from which to choose; None: the model returns embeddings, or its labels are those of
  *   the bundle. It must be None for other models.
  * @param pooling
  *   how hidden states become an embedding
  * @param normalize
  *   whether embeddings are divided by their Euclidean length
  * @param cores
  *   cores of this process that may be used while tasks leave them idle, each for runs of `session.intraOpThreads`
  * @param sessionIdle
  *   how long an unused session stays open
  */
final case class ModelSettings(
    processor: ProcessorOverrides = ProcessorOverrides(),
    batchSize: Option[Int] = None,
    maxImagePixels: Long = ImageDecoder.DefaultMaxPixels,
    decodeMode: DecodeMode = DecodeMode.Exact,
    topK: Option[Int] = None,
    threshold: Double = 0.5,
    candidateLabels: Option[CandidateLabels] = None,
    pooling: Pooling = Pooling.Cls,
    normalize: Boolean = false,
    session: SessionConfig = SessionConfig(),
    cores: Int = 1,
    sessionIdle: FiniteDuration = 5.minutes
) {

  /** The batch size of a model for this task. */
  def batchSizeOf(task: ModelTask): Int = batchSize.getOrElse(task.batchSize)

  private[sparkvision] def sessionSettings: SessionSettings = SessionSettings(session, cores, sessionIdle)

  /** Verifies that the model of this bundle can be run with these settings. Opens no session.
    *
    * @throws ProcessorException
    *   when preprocessing would not produce images that the model takes
    * @throws ParameterException
    *   when a setting is out of range, or contradicts the model
    */
  def validate(bundle: ModelBundle): Unit = {
    val manifest = bundle.manifest
    ClassificationPostprocessor.requireChoice(topK, threshold)
    Batches.requireSize(batchSizeOf(manifest.task))
    if (maxImagePixels < 1) throw new ParameterException(s"maxImagePixels must be at least 1, not $maxImagePixels.")
    requireLabelsAreForThis(bundle)
    manifest.task match {
      case ModelTask.ObjectDetection => DetectionPipeline.requireUsable(bundle, this)
      case ModelTask.ImageClassification => FixedSizePipeline.requireUsable(bundle, this)
      case ModelTask.FeatureExtraction =>
        FixedSizePipeline.requireUsable(bundle, this)
        EmbeddingsPostprocessor.requireUsable(manifest, pooling)
      case ModelTask.ZeroShotImageClassification =>
        FixedSizePipeline.requireUsable(bundle, this)
        candidateLabels.foreach(_.in(manifest))
    }
  }

  private def requireLabelsAreForThis(bundle: ModelBundle): Unit = {
    val (task, zeroShot) = (bundle.manifest.task, ModelTask.ZeroShotImageClassification)
    if (candidateLabels.nonEmpty && task != zeroShot)
      throw new ParameterException(
        s"candidateLabels and hypothesisTemplate are for models for $zeroShot, but the bundle ${bundle.folder} is for $task. " +
          s"Omit them, or export a CLIP with `sparkvision export --task $zeroShot`."
      )
  }
}
