package sparkvision.engine.session

import java.nio.FloatBuffer

import sparkvision.engine.bundle.TensorInfo
import sparkvision.engine.runtime.{Cancellation, ExecutionProvider, InferenceSession}
import sparkvision.image.preprocess.PaddedBatch

/** A session as the tasks of an executor share it. On the CPU each task runs its own batches. On a GPU, which computes full
  * batches best, one runner fills them with the images of all tasks; a batch for which it has no memory is halved.
  */
final private[engine] class SharedSession(val session: InferenceSession) extends AutoCloseable {
  private val onGpu = Option.when(session.provider == ExecutionProvider.Cuda)(new HalvedBatches(session))
  private val batches = onGpu.map(new SharedBatches(_))

  /** As [[InferenceSession.run]]; the images of several callers may be run at once, `batchSize` of them at most. */
  def run(
      images: FloatBuffer,
      shape: Array[Long],
      output: TensorInfo,
      batchSize: Int,
      cancellation: Cancellation
  ): IndexedSeq[Array[Float]] =
    batches.fold(session.run(images, shape, output, cancellation))(
      _.run(images, shape, output, batchSize, cancellation)
    )

  /** As [[InferenceSession.detect]]. On a GPU a batch is halved too, but takes in no other task's images: padding would make
    * an image's numbers depend on which of them came at the same time.
    */
  def detect(batch: PaddedBatch, cancellation: Cancellation): IndexedSeq[(Array[Float], Array[Float])] =
    onGpu.getOrElse(session).detect(batch, cancellation)

  override def close(): Unit = {
    batches.foreach(_.close())
    session.close()
  }
}
