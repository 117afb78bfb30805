package sparkvision.engine.session

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}
import java.util.concurrent.{CompletableFuture, ExecutionException}

import scala.collection.mutable
import scala.concurrent.duration._

import sparkvision.engine.bundle.TensorInfo
import sparkvision.engine.runtime.{BatchRunner, Cancellation, InferenceSession}
import sparkvision.image.ProviderException

/** Fills batches with the images of many callers, and runs one batch after the other on a thread of its own.
  *
  * For a device that computes a full batch in little more time than a single image, where each task alone has too few
  * images: those of small partitions, and of the last batch of every partition. A caller's full batch runs as it is.
  * Smaller ones are put together, and run when they fill a batch or when the oldest has waited for `patience`.
  *
  * @param runner
  *   runs the batches; never called twice at once
  * @param patience
  *   how long images that fill no batch wait for more
  * @param nanoTime
  *   the clock
  */
final private[engine] class SharedBatches(
    runner: BatchRunner,
    patience: FiniteDuration = SharedBatches.Patience,
    nanoTime: () => Long = () => System.nanoTime
) extends AutoCloseable {
  import SharedBatches._

  // Guarded by this object.
  private val waiting = mutable.ArrayBuffer[Request]()
  private var closed = false

  private val joined = new JoinedImages
  private val thread = new Thread(() => work(), "sparkvision-batches")
  thread.setDaemon(true)
  thread.start()

  /** Waits for the images' turn, and gives their values in order.
    *
    * @param images
    *   direct buffer of preprocessed images, read from its start; not to be changed before this returns
    * @param shape
    *   their shape, images first
    * @param batchSize
    *   images to run at once, at most
    * @throws InterruptedException
    *   when the caller is interrupted: its images are then forgotten, and no other caller notices
    * @throws java.util.concurrent.CancellationException
    *   when the caller has cancelled; a run for several callers ends early only when all of them have
    */
  def run(
      images: FloatBuffer,
      shape: Array[Long],
      output: TensorInfo,
      batchSize: Int,
      cancellation: Cancellation
  ): IndexedSeq[Array[Float]] = {
    val request = new Request(images, shape, output, batchSize, cancellation, nanoTime())
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

  /** Returns when all that was handed in has been run: the session may then be closed. */
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

  /** The requests to run next; none when closed and done. */
  private def nextBatch(): Seq[Request] = synchronized {
    var batch = ready()
    while (batch.isEmpty && !(closed && waiting.isEmpty)) {
      // At least 1: the oldest may have become due since, and Object.wait takes 0 as for ever.
      wait(waiting.headOption.fold(UntilNotified)(oldest => math.max(1, millisLeft(oldest))))
      batch = ready()
    }
    waiting --= batch
    batch
  }

  /** The requests that may run now: the oldest and what fits beside it, or one that is full. */
  private def ready(): Seq[Request] = waiting.headOption.fold(Seq.empty[Request]) { oldest =>
    val batch = oldest.fill(waiting.tail)
    val isDue = closed || millisLeft(oldest) == 0 || batch.map(_.count).sum >= oldest.batchSize
    if (isDue) batch else waiting.find(_.isFull).toSeq
  }

  private def millisLeft(request: Request): Long =
    math.max(0, (patience.toNanos - (nanoTime() - request.handedIn) + 999999) / 1000000)

  /** Where the images of several callers fail together, each caller's own then succeed or fail alone. */
  private def answer(batch: Seq[Request]): Unit =
    try {
      val shape = batch.map(_.count).sum.toLong +: batch.head.shape.tail
      val images = if (batch.size == 1) batch.head.images else joined(batch)
      val wanted = Cancellation.ofAll(batch.map(_.cancellation))
      val values = runner.run(images, shape, batch.head.output, wanted).iterator
      batch.foreach(request => request.answer.complete(IndexedSeq.fill(request.count)(values.next())))
    } catch {
      // Everything, because the callers would else wait without an end.
      case e: Throwable if batch.size == 1 => val _ = batch.head.answer.completeExceptionally(e)
      case _: Throwable => batch.foreach(one => answer(Seq(one)))
    }
}

private object SharedBatches {

  /** About what a GPU takes for a batch of a ViT-B/16: waiting longer would cost more than the fuller batch brings. */
  val Patience: FiniteDuration = 5.millis

  private val UntilNotified = 0L

  /** What one caller handed in. */
  final private class Request(
      val images: FloatBuffer,
      val shape: Array[Long],
      val output: TensorInfo,
      val batchSize: Int,
      val cancellation: Cancellation,
      val handedIn: Long
  ) {
    val answer = new CompletableFuture[IndexedSeq[Array[Float]]]

    def count: Int = shape.head.toInt

    def floats: Int = shape.product.toInt

    def isFull: Boolean = count >= batchSize

    /** This request, and of `others` in their order those that can run with it and have a place in its batch. */
    def fill(others: Iterable[Request]): Seq[Request] =
      others.foldLeft(Vector(this)) { (batch, other) =>
        val fits = batch.map(_.count).sum + other.count <= batchSize
        if (fits && other.output == output && other.shape.tail.sameElements(shape.tail)) batch :+ other else batch
      }
  }

  /** A buffer for the images of several callers, as large as the largest batch so far. */
  final private class JoinedImages {
    private var buffer = direct(0)

    def apply(batch: Seq[Request]): FloatBuffer = {
      val floats = batch.map(_.floats).sum
      if (buffer.capacity < floats) buffer = direct(floats)
      buffer.clear()
      batch.foreach(request => buffer.put(request.images.duplicate().position(0).limit(request.floats)))
      buffer
    }

    private def direct(floats: Int): FloatBuffer =
      ByteBuffer.allocateDirect(floats * java.lang.Float.BYTES).order(ByteOrder.nativeOrder).asFloatBuffer
  }
}
