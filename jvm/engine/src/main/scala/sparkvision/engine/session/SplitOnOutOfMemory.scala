package sparkvision.engine.session

import org.slf4j.LoggerFactory

import sparkvision.engine.bundle.TensorInfo
import sparkvision.engine.runtime.{Batch, BatchRunner, Cancellation}
import sparkvision.image.ProviderException

/** Runs a batch for which the device has no memory as two halves, and these as four quarters, down to single images.
  *
  * The size that was too large is remembered, so that a job whose batches are too large pays for the discovery once. Only
  * one batch runs at a time: the batch of another task would take the memory that a single image needs.
  */
final private[engine] class SplitOnOutOfMemory(runner: BatchRunner) extends BatchRunner {
  import SplitOnOutOfMemory._

  // Values of the largest batch that may be tried. It is not a number of images, because the images of padded batches
  // have many sizes.
  private var largest = Int.MaxValue

  /** Runs the batch, in parts if needed. The parts of a padded batch keep the padding of the whole batch, and so the images
    * keep their results.
    *
    * @throws ProviderException
    *   when there is no memory for a single image, and immediately when a run fails for any other reason
    */
  override def run(
      batch: Batch,
      outputs: Seq[TensorInfo],
      cancellation: Cancellation
  ): IndexedSeq[BatchRunner.Values] = {
    def pieces(part: Batch): IndexedSeq[BatchRunner.Values] = {
      val most = math.max(1, largest / part.valuesEach)
      if (part.size > most) part.pieces(most).flatMap(pieces)
      else
        try runner.run(part, outputs, cancellation)
        catch {
          case e: ProviderException if part.size > 1 && isOutOfMemory(e) =>
            val half = (part.size + 1) / 2
            largest = half * part.valuesEach
            log.warn(
              s"No memory for ${part.size} images of ${part.valuesEach} values; from now on at most $half. ${e.getMessage}"
            )
            pieces(part)
        }
    }
    synchronized(pieces(batch))
  }
}

private object SplitOnOutOfMemory {
  private val log = LoggerFactory.getLogger(classOf[SplitOnOutOfMemory])

  /** ONNX Runtime has no error code for this failure. These are phrases of its arena (core/framework/bfc_arena.cc), of CUDA,
    * cuBLAS and cuDNN.
    */
  private val Phrases = Seq(
    "Failed to allocate memory",
    "is smaller than requested bytes",
    "out of memory",
    "STATUS_ALLOC_FAILED",
    "ALLOCATION_FAILED"
  )

  private def isOutOfMemory(e: ProviderException): Boolean = Phrases.exists(e.getMessage.contains(_))
}
