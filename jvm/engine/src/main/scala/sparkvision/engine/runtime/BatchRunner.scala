package sparkvision.engine.runtime

import java.nio.FloatBuffer
import sparkvision.engine.bundle.TensorInfo
import sparkvision.image.preprocess.PaddedBatch

/** What runs a batch: a session, or something that stands before one. */
private[engine] trait BatchRunner {

  /** @param images
    *   direct buffer of preprocessed images, one after the other; read from its start, left as it was
    * @param shape
    *   the batch's shape, images first
    * @param output
    *   the graph's output to compute
    * @param cancellation
    *   whether the values are still wanted
    * @return
    *   an array of the output's values for each image
    * @throws java.util.concurrent.CancellationException
    *   when the run was cancelled, or the JVM ends
    */
  def run(
      images: FloatBuffer,
      shape: Array[Long],
      output: TensorInfo,
      cancellation: Cancellation
  ): IndexedSeq[Array[Float]]

  /** @param batch
    *   of a detection model
    * @return
    *   the logits and the boxes of each image
    */
  private[engine] def detect(
      batch: PaddedBatch,
      cancellation: Cancellation
  ): IndexedSeq[(Array[Float], Array[Float])]
}

private[engine] object BatchRunner {

  /** Runs a batch as several of at most `size` images, one after the other. */
  def inPieces(images: FloatBuffer, shape: Array[Long], size: Int)(
      run: (FloatBuffer, Array[Long]) => IndexedSeq[Array[Float]]
  ): IndexedSeq[Array[Float]] = {
    val count = shape.head.toInt
    val floatsPerImage = shape.tail.product.toInt
    (0 until count by size).flatMap { first =>
      val piece = math.min(size, count - first)
      run(images.slice(first * floatsPerImage, piece * floatsPerImage), piece.toLong +: shape.tail)
    }
  }
}

/** Whether the results of a run are still wanted. Asked before a run and while it goes on, by other threads than its own:
  * the answer must come at once, and must not change back from true to false.
  */
trait Cancellation {
  def isCancelled(): Boolean
}

object Cancellation {

  /** The results are always wanted. */
  object Never extends Cancellation {
    override def isCancelled(): Boolean = false
  }

  /** Of a run for several callers: it goes on for as long as one of them wants its results. */
  private[engine] def ofAll(several: Seq[Cancellation]): Cancellation =
    if (several.contains(Never)) Never else () => several.forall(_.isCancelled())
}
