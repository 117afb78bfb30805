package sparkvision.engine

import scala.concurrent.duration._

/** Everything a user may choose about running a model, apart from the model.
  *
  * @param processor
  *   what differs from the bundle's own preprocessing
  * @param batchSize
  *   pictures a run, at most
  * @param maxImagePixels
  *   pictures with more are refused before they are decoded (default: Pillow's decompression-bomb limit)
  * @param sessionIdle
  *   how long an unused session stays open
  */
final case class ModelSettings(
    processor: ProcessorOverrides = ProcessorOverrides(),
    batchSize: Int = 8,
    maxImagePixels: Long = ImageDecoder.DefaultMaxPixels,
    topK: Int = 1,
    threshold: Double = 0.5,
    session: SessionConfig = SessionConfig(),
    sessionIdle: FiniteDuration = 5.minutes
)
