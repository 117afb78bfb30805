package sparkvision.engine.pipeline

import scala.concurrent.duration._

import sparkvision.engine.postprocess.Pooling
import sparkvision.engine.runtime.SessionConfig
import sparkvision.engine.text.CandidateLabels
import sparkvision.image.codec.{DecodeMode, ImageDecoder}
import sparkvision.image.preprocess.ProcessorOverrides

/** Everything a user may choose about running a model, apart from the model.
  *
  * @param processor
  *   what differs from the bundle's own preprocessing
  * @param batchSize
  *   images a run, at most
  * @param maxImagePixels
  *   images with more are refused before they are decoded (default: Pillow's decompression-bomb limit)
  * @param decodeMode
  *   whether large JPEGs are decoded as a whole, or only as far as the resize needs
  * @param topK
  *   labels an image, at most; None: the best one, and of a multi-label model all at or above `threshold`
  * @param threshold
  *   of multi-label models: the lowest score that is reported
  * @param candidateLabels
  *   of zero-shot models: the labels to choose among; None: what is asked for are embeddings, or the bundle's labels
  * @param pooling
  *   how hidden states become an embedding
  * @param normalize
  *   whether embeddings are divided by their Euclidean length
  * @param cores
  *   of this process that may be used where tasks leave them idle, each by runs of `session.intraOpThreads`
  * @param sessionIdle
  *   how long an unused session stays open
  */
final case class ModelSettings(
    processor: ProcessorOverrides = ProcessorOverrides(),
    batchSize: Int = 8,
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
)
