package sparkvision.engine.session

import java.nio.FloatBuffer

import org.slf4j.LoggerFactory

import sparkvision.engine.bundle.TensorInfo
import sparkvision.engine.runtime.{BatchRunner, Cancellation}
import sparkvision.image.ProviderException
import sparkvision.image.preprocess.PaddedBatch

/** Runs a batch for which the device has no memory as two halves, those as four quarters, down to single images.
  *
  * It remembers what was too much, so that a job whose batches are too large pays for finding that out once. It runs one
  * batch at a time: what another task runs meanwhile would take the memory that a single image needs.
  */
final private[engine] class HalvedBatches(runner: BatchRunner) extends BatchRunner {
  import HalvedBatches._

  // Input values of a batch: padded batches have images of many sizes.
  private var largest = Int.MaxValue

  /** @throws ProviderException
    *   when there is no memory for a single image, and for any other reason at once
    */
  override def run(
      images: FloatBuffer,
      shape: Array[Long],
      output: TensorInfo,
      cancellation: Cancellation
  ): IndexedSeq[Array[Float]] = {
    val valuesEach = shape.tail.product.toInt
    halved(shape.head.toInt, valuesEach) { (from, count) =>
      runner.run(
        images.slice(from * valuesEach, count * valuesEach),
        count.toLong +: shape.tail,
        output,
        cancellation
      )
    }
  }

  /** As [[run]]. The halves keep the whole batch's padding, and so the images their numbers. */
  override private[engine] def detect(
      batch: PaddedBatch,
      cancellation: Cancellation
  ): IndexedSeq[(Array[Float], Array[Float])] =
    halved(batch.images, batch.valuesEach)((from, count) => runner.detect(batch.slice(from, count), cancellation))

  private def halved[R](images: Int, valuesEach: Int)(run: (Int, Int) => IndexedSeq[R]): IndexedSeq[R] = {
    def pieces(from: Int, until: Int): IndexedSeq[R] = {
      val (count, most) = (until - from, math.max(1, largest / valuesEach))
      if (count > most) (from until until by most).flatMap(first => pieces(first, math.min(first + most, until)))
      else
        try run(from, count)
        catch {
          case e: ProviderException if count > 1 && isOutOfMemory(e) =>
            val half = (count + 1) / 2
            largest = half * valuesEach
            log.warn(s"No memory for $count images of $valuesEach values; from now on at most $half. ${e.getMessage}")
            pieces(from, until)
        }
    }
    synchronized(pieces(0, images))
  }
}

private object HalvedBatches {
  private val log = LoggerFactory.getLogger(classOf[HalvedBatches])

  /** ONNX Runtime has no error code for it. These are the words of its arena (core/framework/bfc_arena.cc), of CUDA, cuBLAS
    * and cuDNN.
    */
  private val Words = Seq(
    "Failed to allocate memory",
    "is smaller than requested bytes",
    "out of memory",
    "STATUS_ALLOC_FAILED",
    "ALLOCATION_FAILED"
  )

  private def isOutOfMemory(e: ProviderException): Boolean = Words.exists(e.getMessage.contains(_))
}
