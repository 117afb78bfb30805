package sparkvision.engine.runtime

import java.nio.{FloatBuffer, LongBuffer}

import sparkvision.engine.bundle.TensorInfo
import sparkvision.image.preprocess.PaddedBatch

/** The input of one run: images, or texts as token ids, of one shape.
  *
  * @param values
  *   direct buffer of the items' values, one item after the other; read from its start, and left unchanged
  * @param shape
  *   the shape of the batch, with the number of items first
  * @param mask
  *   for models that distinguish pixels from padding: 1 for each pixel of an image and 0 for padding, of shape
  *   [images, height, width]
  */
final private[engine] case class Batch(values: FloatBuffer, shape: Array[Long], mask: Option[LongBuffer] = None) {

  /** Items in the batch. */
  def size: Int = shape.head.toInt

  /** Values of one item. */
  def valuesEach: Int = shape.tail.product.toInt

  /** Some of the items. They share the memory of this batch. */
  def slice(from: Int, count: Int): Batch = Batch(
    values.slice(from * valuesEach, count * valuesEach),
    count.toLong +: shape.tail,
    mask.map { all =>
      val each = shape.drop(2).product.toInt
      all.slice(from * each, count * each)
    }
  )

  /** This batch as several of at most `most` items, in order. Their sizes differ by one item at most, the larger ones
    * first. Every part of the engine that splits a batch does so here.
    */
  def pieces(most: Int): IndexedSeq[Batch] =
    if (size <= most) IndexedSeq(this)
    else {
      val count = (size + most - 1) / most
      def start(piece: Int): Int = piece * (size / count) + math.min(piece, size % count)
      (0 until count).map(piece => slice(start(piece), start(piece + 1) - start(piece)))
    }
}

private[engine] object Batch {
  def of(padded: PaddedBatch): Batch = Batch(padded.values, padded.shape, padded.mask)
}

/** Runs batches: an [[InferenceSession]], or a layer in front of one. */
private[engine] trait BatchRunner {

  /** @param outputs
    *   the outputs of the graph to compute
    * @param cancellation
    *   whether the results are still wanted
    * @return
    *   for each item of the batch the values of each output
    * @throws java.util.concurrent.CancellationException
    *   when the run was cancelled, or the JVM is shutting down
    */
  def run(batch: Batch, outputs: Seq[TensorInfo], cancellation: Cancellation): IndexedSeq[BatchRunner.Values]
}

private[engine] object BatchRunner {

  /** The values of one item: an array for each output, in the order of the outputs. */
  type Values = IndexedSeq[Array[Float]]
}

/** Whether the results of a run are still wanted. Threads other than the run's own ask this before the run and during it:
  * the method must return at once, and must not change back from true to false.
  */
trait Cancellation {
  def isCancelled(): Boolean
}

object Cancellation {

  /** The results are always wanted. */
  object Never extends Cancellation {
    override def isCancelled(): Boolean = false
  }

  /** The cancellation of a run for several callers, which continues while one of them wants its results. */
  private[engine] def ofAll(several: Seq[Cancellation]): Cancellation =
    if (several.contains(Never)) Never else () => several.forall(_.isCancelled())
}
