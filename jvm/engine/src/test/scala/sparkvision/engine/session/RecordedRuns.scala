package sparkvision.engine.session

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import scala.collection.mutable

import sparkvision.engine.bundle.{Bundles, ModelBundle, TensorInfo}
import sparkvision.engine.runtime.{BatchRunner, Cancellation, ExecutionProvider, InferenceSession, SessionConfig}
import sparkvision.image.ProviderException
import sparkvision.image.preprocess.PaddedBatch

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

  /** Images of each batch that was tried, in order. */
  def batches: Seq[Int] = synchronized(runs.toSeq)

  override def run(
      images: FloatBuffer,
      shape: Array[Long],
      output: TensorInfo,
      cancellation: Cancellation = Cancellation.Never
  ): IndexedSeq[Array[Float]] = {
    record(images, shape.head.toInt)
    session.run(images, shape, output, cancellation)
  }

  /** The model's logits, and these again for the boxes. */
  override private[engine] def detect(
      batch: PaddedBatch,
      cancellation: Cancellation = Cancellation.Never
  ): IndexedSeq[(Array[Float], Array[Float])] = {
    record(batch.values, batch.images)
    session.detect(batch, cancellation)
  }

  private def record(images: FloatBuffer, count: Int): Unit = {
    val _ = synchronized(runs += count)
    problem(images, count).foreach(reason => throw new ProviderException(reason))
  }

  override def close(): Unit = session.close()
}

object RecordedRuns {
  private val Floats = 3 * 32 * 32

  def shape(count: Int): Array[Long] = Array(count.toLong, 3, 32, 32)

  /** Images, each with a value of its own, counted from `first`. */
  def images(first: Int, count: Int): FloatBuffer = {
    val buffer = ByteBuffer.allocateDirect(count * Floats * 4).order(ByteOrder.nativeOrder).asFloatBuffer
    for (image <- 0 until count; at <- 0 until Floats)
      buffer.put(math.sin((first + image) * 0.1 + at * 0.01).toFloat)
    buffer.rewind()
  }
}
