package sparkvision.engine.session

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import scala.collection.mutable

import sparkvision.engine.bundle.{Bundles, ModelBundle, TensorInfo}
import sparkvision.engine.runtime._
import sparkvision.image.ProviderException

/** A real session of the embedded model on the CPU that stands in for one on a GPU: it records the sizes of its batches,
  * and fails where a test wants it to.
  */
final private[engine] class RecordedRuns(problem: (FloatBuffer, Int) => Option[String] = (_, _) => None)
    extends BatchRunner
    with AutoCloseable {
  private val bundle = ModelBundle.open(Bundles.digits())
  private val session = InferenceSession.open(bundle, SessionConfig(ExecutionProvider.Cpu), new NativeRuns)
  private val sizes = mutable.ArrayBuffer[Int]()

  val output: TensorInfo = bundle.manifest.outputs.head

  /** Images of each batch that was tried, in order. */
  def batches: Seq[Int] = synchronized(sizes.toSeq)

  override def run(
      batch: Batch,
      outputs: Seq[TensorInfo] = Seq(output),
      cancellation: Cancellation = Cancellation.Never
  ): IndexedSeq[BatchRunner.Values] = {
    val _ = synchronized(sizes += batch.size)
    problem(batch.values, batch.size).foreach(reason => throw new ProviderException(reason))
    session.run(batch, outputs, cancellation)
  }

  override def close(): Unit = session.close()
}

private[engine] object RecordedRuns {
  private val Floats = 3 * 32 * 32

  /** A batch of images, each with its own values, counted from `first`. */
  def batch(first: Int, count: Int): Batch = Batch(images(first, count), Array(count.toLong, 3, 32, 32))

  def images(first: Int, count: Int): FloatBuffer = {
    val buffer = ByteBuffer.allocateDirect(count * Floats * 4).order(ByteOrder.nativeOrder).asFloatBuffer
    for (image <- 0 until count; at <- 0 until Floats)
      buffer.put(math.sin((first + image) * 0.1 + at * 0.01).toFloat)
    buffer.rewind()
  }
}
