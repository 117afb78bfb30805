package sparkvision.engine

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import scala.collection.mutable

/** A real session of the embedded model on the CPU that stands in for one on a GPU: it remembers the sizes of its batches,
  * and fails where a test wants it to.
  */
final class RecordedRuns(problem: (FloatBuffer, Int) => Option[String] = (_, _) => None)
    extends BatchRunner
    with AutoCloseable {
  private val bundle = ModelBundle.open(Bundles.digits())
  private val session = InferenceSession.open(bundle, SessionConfig(ExecutionProvider.Cpu))
  private val runs = mutable.ArrayBuffer[Int]()

  val output: TensorInfo = bundle.manifest.outputs.head

  /** Pictures of each batch that was tried, in order. */
  def batches: Seq[Int] = synchronized(runs.toSeq)

  override def run(
      pictures: FloatBuffer,
      shape: Array[Long],
      output: TensorInfo,
      cancellation: Cancellation = Cancellation.Never
  ): IndexedSeq[Array[Float]] = {
    record(pictures, shape.head.toInt)
    session.run(pictures, shape, output, cancellation)
  }

  /** The model's logits, and these again for the boxes. */
  override private[engine] def detect(
      batch: PaddedBatch,
      cancellation: Cancellation = Cancellation.Never
  ): IndexedSeq[(Array[Float], Array[Float])] = {
    record(batch.values, batch.pictures)
    session.detect(batch, cancellation)
  }

  private def record(pictures: FloatBuffer, count: Int): Unit = {
    val _ = synchronized(runs += count)
    problem(pictures, count).foreach(reason => throw new ProviderException(reason))
  }

  override def close(): Unit = session.close()
}

object RecordedRuns {
  private val Floats = 3 * 32 * 32

  def shape(count: Int): Array[Long] = Array(count.toLong, 3, 32, 32)

  /** Pictures, each with a value of its own, counted from `first`. */
  def pictures(first: Int, count: Int): FloatBuffer = {
    val buffer = ByteBuffer.allocateDirect(count * Floats * 4).order(ByteOrder.nativeOrder).asFloatBuffer
    for (picture <- 0 until count; at <- 0 until Floats)
      buffer.put(math.sin((first + picture) * 0.1 + at * 0.01).toFloat)
    buffer.rewind()
  }
}
