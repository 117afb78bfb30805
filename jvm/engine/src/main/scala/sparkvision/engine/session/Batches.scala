package sparkvision.engine.session

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import scala.collection.mutable

import sparkvision.image.{ImageException, ParameterException}

/** Runs any number of inputs in batches, and returns one result for each input, in order.
  *
  * An unusable input takes no place in a batch and keeps its place in the order: every batch except the last is full of
  * usable inputs.
  *
  * @tparam I
  *   an input, for example an image or a text
  * @param batchSize
  *   inputs in a batch, at most
  * @throws ParameterException
  *   when the batch size is not positive: every image and every text passes through this class
  */
abstract private[engine] class Batches[I, R](batchSize: Int) {
  import Batches.WaitingPerBatch

  Batches.requireSize(batchSize)

  /** Adds inputs to the batch, in order.
    *
    * @param before
    *   inputs that are in the batch already
    * @return
    *   for each input the reason why it is unusable, if it is: it is then not in the batch
    */
  protected def add(inputs: IndexedSeq[I], before: Int): IndexedSeq[Option[String]]

  /** Runs the batch and starts a new one.
    *
    * @param count
    *   inputs in the batch
    * @return
    *   a result for each of them
    */
  protected def run(count: Int): IndexedSeq[R]

  /** @return
    *   each item with the result of its input, or with the reason why there is none. The iterator is lazy and must not be
    *   shared between threads.
    */
  final def results[A](items: Iterator[A])(input: A => I): Iterator[(A, Either[String, R])] =
    Iterator.continually(nextBatch(items, input)).takeWhile(_.nonEmpty).flatten

  private def nextBatch[A](items: Iterator[A], input: A => I): Seq[(A, Either[String, R])] = {
    val waiting = mutable.ArrayBuffer[(A, Option[String])]()
    var usable = 0
    // The limit keeps a long series of unusable inputs from accumulating in memory behind one usable input.
    while (items.hasNext && usable < batchSize && waiting.size < batchSize * WaitingPerBatch) {
      val some = next(items, batchSize - usable)
      val problems = add(some.map(input), usable)
      usable += problems.count(_.isEmpty)
      waiting ++= some.zip(problems)
    }
    val results = if (usable == 0) Iterator.empty else run(usable).iterator
    waiting.toSeq.map { case (item, problem) => item -> problem.toLeft(results.next()) }
  }

  private def next[A](items: Iterator[A], most: Int): IndexedSeq[A] = {
    val some = IndexedSeq.newBuilder[A]
    var left = most
    while (left > 0 && items.hasNext) {
      some += items.next()
      left -= 1
    }
    some.result()
  }
}

private[engine] object Batches {
  private val WaitingPerBatch = 16

  /** The check of [[Batches]], with which settings are refused before there are images.
    *
    * @throws ParameterException
    *   when the batch size is not positive
    */
  def requireSize(batchSize: Int): Unit =
    if (batchSize < 1) throw new ParameterException(s"batchSize must be at least 1, not $batchSize.")

  /** Verifies that a batch of this size fits into one direct buffer, whose bytes the JVM counts in 32 bits. Allocates nothing.
    *
    * @param floatsEach
    *   values of one image
    * @throws ParameterException
    *   naming the largest possible batch
    */
  def requireSize(batchSize: Int, floatsEach: Long): Unit = {
    requireSize(batchSize)
    val largest = Int.MaxValue / (floatsEach * java.lang.Float.BYTES)
    if (largest == 0)
      throw new ParameterException(
        s"One image of $floatsEach values needs more than the ${Int.MaxValue} bytes that a batch may have; reduce height " +
          "and width."
      )
    if (batchSize > largest)
      throw new ParameterException(
        s"batchSize must be at most $largest, not $batchSize: a batch may have ${Int.MaxValue} bytes, and each image " +
          s"takes ${floatsEach * java.lang.Float.BYTES}."
      )
  }
}

/** [[Batches]] of inputs that all become the same number of floats.
  *
  * @param floatsEach
  *   values of one prepared input
  * @param prepare
  *   writes the floats of an input into the batch, or throws [[ImageException]]
  * @param runBatch
  *   runs the first n inputs of the batch and returns n results
  * @param parallel
  *   prepares several inputs at once, where cores are free
  */
final private[engine] class FixedSizeBatches[I, R](
    batchSize: Int,
    floatsEach: Int,
    prepare: (I, FloatBuffer) => Unit,
    runBatch: (FloatBuffer, Int) => IndexedSeq[R],
    parallel: Parallel = Parallel.InTurn
) extends Batches[I, R](batchSize) {

  /** Direct memory, which ONNX Runtime reads without a copy. */
  private lazy val batch: FloatBuffer =
    ByteBuffer.allocateDirect(batchSize * floatsEach * 4).order(ByteOrder.nativeOrder).asFloatBuffer

  override protected def run(count: Int): IndexedSeq[R] = runBatch(batch, count)

  override protected def add(inputs: IndexedSeq[I], before: Int): IndexedSeq[Option[String]] = {
    val problems = parallel(inputs.indices.map(i => () => tryPrepare(inputs(i), before + i)))
    val usable = problems.indices.filter(problems(_).isEmpty)
    usable.zipWithIndex.foreach { case (from, to) => if (from != to) move(before + from, before + to) }
    problems
  }

  private def tryPrepare(input: I, slot: Int): Option[String] =
    try {
      prepare(input, placeOf(slot))
      None
    } catch { case e: ImageException => Some(e.reason) }

  private def move(from: Int, to: Int): Unit = { val _ = placeOf(to).put(placeOf(from)) }

  private def placeOf(slot: Int): FloatBuffer = batch.slice(slot * floatsEach, floatsEach)
}
