package sparkvision.engine

import java.nio.FloatBuffer

import org.slf4j.LoggerFactory

/** Runs a batch for which the device has no memory as two halves, those as four quarters, down to single pictures.
  *
  * It remembers what was too much, so that a job whose batches are too large pays for finding that out once.
  */
final private[engine] class HalvedBatches(runner: BatchRunner) extends BatchRunner {
  import HalvedBatches._

  @volatile private var largest = Int.MaxValue

  /** @throws ProviderException
    *   when there is no memory for a single picture, and for any other reason at once
    */
  override def run(pictures: FloatBuffer, shape: Array[Long], output: TensorInfo): IndexedSeq[Array[Float]] = {
    val count = shape.head.toInt
    if (count > largest) inPieces(pictures, shape, output)
    else
      try runner.run(pictures, shape, output)
      catch {
        case e: ProviderException if count > 1 && isOutOfMemory(e) =>
          largest = math.min(largest, (count + 1) / 2)
          log.warn(s"No memory for a batch of $count pictures; from now on at most $largest. ${e.getMessage}")
          inPieces(pictures, shape, output)
      }
  }

  private def inPieces(pictures: FloatBuffer, shape: Array[Long], output: TensorInfo): IndexedSeq[Array[Float]] =
    BatchRunner.inPieces(pictures, shape, largest)(run(_, _, output))
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
