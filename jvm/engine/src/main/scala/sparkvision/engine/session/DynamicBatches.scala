package sparkvision.engine.session

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}
import java.util.concurrent.{CompletableFuture, ExecutionException}

import scala.collection.mutable
import scala.concurrent.duration._

import sparkvision.engine.bundle.TensorInfo
import sparkvision.engine.runtime.{Batch, BatchRunner, Cancellation, DaemonThread, InferenceSession}
import sparkvision.image.ProviderException

/** Dynamic batching: fills batches with the images of many callers, and runs one batch after the other on a thread of its
  * own.
  *
  * This is for a device that computes a full batch in little more time than a single image, while each task alone has too
  * few images: the images of small partitions, and of the last batch of every partition. A full batch of one caller runs
  * unchanged. Smaller batches are joined, and run when they fill a batch or when the oldest has waited for `patience`.
  *
  * @param runner
  *   runs the batches; never called concurrently
  * @param patience
  *   how long images that do not fill a batch wait for more
  * @param nanoTime
  *   the clock
  */
final private[engine] class DynamicBatches(
    runner: BatchRunner,
    patience: FiniteDuration = DynamicBatches.Patience,
    nanoTime: () => Long = () => System.nanoTime
) extends AutoCloseable {
  import DynamicBatches._

  // Guarded by this object.
  private val waiting = mutable.ArrayBuffer[Request]()
  private var closed = false

  private val joined = new JoinedImages
  private val thread = DaemonThread("sparkvision-batches")(() => work())
  thread.start()

  /** Waits until the batch has run, and returns its results in order.
    *
    * @param batch
    *   images without a mask; the buffer must not change before this method returns
    * @param batchSize
    *   images to run at once, at most
    * @throws InterruptedException
    *   when the caller is interrupted: its images are then dropped, without an effect on other callers
    * @throws java.util.concurrent.CancellationException
    *   when the caller has cancelled; a run for several callers ends early only when all of them have cancelled
    */
  def run(
      batch: Batch,
      outputs: Seq[TensorInfo],
      batchSize: Int,
      cancellation: Cancellation
  ): IndexedSeq[BatchRunner.Values] = {
    val request = new Request(batch, outputs, batchSize, cancellation, nanoTime())
    synchronized {
      if (closed) throw new ProviderException(InferenceSession.Closed)
      waiting += request
      notifyAll()
    }
    try request.answer.get()
    catch {
      case e: ExecutionException => throw e.getCause
      case e: InterruptedException =>
        synchronized(waiting -= request)
        throw e
    }
  }

  /** Returns when all waiting batches have run: the session may then be closed. */
  override def close(): Unit = {
    synchronized {
      closed = true
      notifyAll()
    }
    thread.join()
  }

  private def work(): Unit = Iterator.continually(nextBatch()).takeWhile(_.nonEmpty).foreach { batch =>
    val (cancelled, wanted) = batch.partition(_.cancellation.isCancelled())
    cancelled.foreach(one => answer(Seq(one)))
    if (wanted.nonEmpty) answer(wanted)
  }

  /** The requests to run next; empty when this is closed and all requests have run. */
  private def nextBatch(): Seq[Request] = synchronized {
    var batch = ready()
    while (batch.isEmpty && !(closed && waiting.isEmpty)) {
      // At least 1: the oldest request may have become due in the meantime, and Object.wait(0) waits without a limit.
      wait(waiting.headOption.fold(UntilNotified)(oldest => math.max(1, millisLeft(oldest))))
      batch = ready()
    }
    waiting --= batch
    batch
  }

  /** The requests that may run now: the oldest with those that fit into its batch, or one that is full. */
  private def ready(): Seq[Request] = waiting.headOption.fold(Seq.empty[Request]) { oldest =>
    val batch = oldest.fill(waiting.tail)
    val isDue = closed || millisLeft(oldest) == 0 || batch.map(_.batch.size).sum >= oldest.batchSize
    if (isDue) batch else waiting.find(_.isFull).toSeq
  }

  private def millisLeft(request: Request): Long =
    math.max(0, (patience.toNanos - (nanoTime() - request.submitted) + 999999) / 1000000)

  /** Runs requests as one batch. If that fails, each request runs alone, so that it succeeds or fails by its own images. */
  private def answer(requests: Seq[Request]): Unit =
    try {
      val batch = if (requests.size == 1) requests.head.batch else joined(requests.map(_.batch))
      val wanted = Cancellation.ofAll(requests.map(_.cancellation))
      val values = runner.run(batch, requests.head.outputs, wanted).iterator
      requests.foreach(one => one.answer.complete(IndexedSeq.fill(one.batch.size)(values.next())))
    } catch {
      // Every failure is passed on, because the callers would otherwise wait forever.
      case e: Throwable if requests.size == 1 => val _ = requests.head.answer.completeExceptionally(e)
      case _: Throwable => requests.foreach(one => answer(Seq(one)))
    }
}

private object DynamicBatches {

  /** About the time that a GPU needs for a batch of a ViT-B/16: a longer wait would cost more than a fuller batch saves. */
  val Patience: FiniteDuration = 5.millis

  private val UntilNotified = 0L

  /** The batch of one caller. */
  final private class Request(
      val batch: Batch,
      val outputs: Seq[TensorInfo],
      val batchSize: Int,
      val cancellation: Cancellation,
      val submitted: Long
  ) {
    val answer = new CompletableFuture[IndexedSeq[BatchRunner.Values]]

    def isFull: Boolean = batch.size >= batchSize

    /** This request, and of `others`, in their order, those that can run with it and fit into its batch. */
    def fill(others: Iterable[Request]): Seq[Request] =
      others.foldLeft(Vector(this)) { (requests, other) =>
        val fits = requests.map(_.batch.size).sum + other.batch.size <= batchSize
        if (fits && other.outputs == outputs && other.batch.shape.tail.sameElements(batch.shape.tail)) requests :+ other
        else requests
      }
  }

  /** A buffer for the images of several callers, which grows to the largest batch so far. */
  final private class JoinedImages {
    private var buffer = direct(0)

    def apply(batches: Seq[Batch]): Batch = {
      val (count, valuesEach) = (batches.map(_.size).sum, batches.head.valuesEach)
      if (buffer.capacity < count * valuesEach) buffer = direct(count * valuesEach)
      buffer.clear()
      batches.foreach(one => buffer.put(one.values.duplicate().position(0).limit(one.size * valuesEach)))
      Batch(buffer, count.toLong +: batches.head.shape.tail)
    }

    private def direct(floats: Int): FloatBuffer =
      ByteBuffer.allocateDirect(floats * java.lang.Float.BYTES).order(ByteOrder.nativeOrder).asFloatBuffer
  }
}
