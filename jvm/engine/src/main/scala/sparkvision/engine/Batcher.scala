package sparkvision.engine

import java.nio.{ByteBuffer, ByteOrder, FloatBuffer}

import scala.collection.mutable

/** Runs any number of pictures in batches, one result for each picture, in order.
  *
  * An unusable picture takes no place in a batch and keeps its place in the order: every batch but the last is full of
  * pictures that can be run.
  *
  * @param batchSize
  *   pictures a batch, at most
  * @param floatsPerPicture
  *   size of a preprocessed picture
  * @param prepare
  *   appends a picture's floats to the batch, or throws [[ImageException]]
  * @param run
  *   runs the batch's first n pictures, gives n results
  * @param inParallel
  *   does pieces of work, gives their results in order; at once, where there are cores for it
  */
final class Batcher[R](
    batchSize: Int,
    floatsPerPicture: Int,
    prepare: (Picture, FloatBuffer) => Unit,
    run: (FloatBuffer, Int) => IndexedSeq[R],
    inParallel: Batcher.InParallel = Batcher.InTurn
) {
  import Batcher._

  requireBatch(batchSize, floatsPerPicture)

  /** Direct memory: ONNX Runtime reads it where it lies. */
  private lazy val batch: FloatBuffer =
    ByteBuffer.allocateDirect(batchSize * floatsPerPicture * 4).order(ByteOrder.nativeOrder).asFloatBuffer

  /** @return
    *   each item with its picture's result, or with the reason why there is none. Lazy; not for several threads.
    */
  def results[A](items: Iterator[A])(picture: A => Picture): Iterator[(A, Either[String, R])] =
    Iterator.continually(nextBatch(items, picture)).takeWhile(_.nonEmpty).flatten

  private def nextBatch[A](items: Iterator[A], picture: A => Picture): Seq[(A, Either[String, R])] = {
    val waiting = mutable.ArrayBuffer[(A, Option[String])]()
    var usable = 0
    // A long row of unusable pictures must not pile up in memory behind one usable one.
    while (items.hasNext && usable < batchSize && waiting.size < batchSize * WaitingPerBatch) {
      val some = next(items, batchSize - usable)
      val problems = prepareAll(some.map(picture), usable)
      usable += problems.count(_.isEmpty)
      waiting ++= some.zip(problems)
    }
    val results = if (usable == 0) Iterator.empty else run(batch, usable).iterator
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

  /** Puts the usable pictures into the batch from `slot` on, one behind the other.
    *
    * @return
    *   for each picture why it is not usable, if it is not
    */
  private def prepareAll(pictures: IndexedSeq[Picture], slot: Int): IndexedSeq[Option[String]] = {
    val problems = inParallel(pictures.indices.map(i => () => tryPrepare(pictures(i), slot + i)))
    val usable = problems.indices.filter(problems(_).isEmpty)
    usable.zipWithIndex.foreach { case (from, to) => if (from != to) move(slot + from, slot + to) }
    problems
  }

  private def tryPrepare(picture: Picture, slot: Int): Option[String] =
    try {
      prepare(picture, placeOf(slot))
      None
    } catch { case e: ImageException => Some(e.reason) }

  private def move(from: Int, to: Int): Unit = { val _ = placeOf(to).put(placeOf(from)) }

  private def placeOf(slot: Int): FloatBuffer = batch.slice(slot * floatsPerPicture, floatsPerPicture)
}

private[engine] object Batcher {

  /** Does pieces of work and gives their results in order. */
  trait InParallel {
    def apply[R](pieces: IndexedSeq[() => R]): IndexedSeq[R]
  }

  /** One after the other. */
  object InTurn extends InParallel {
    override def apply[R](pieces: IndexedSeq[() => R]): IndexedSeq[R] = pieces.map(_())
  }

  val WaitingPerBatch = 16

  /** A batch is one direct buffer, whose bytes the JVM counts in 32 bits. Allocates nothing.
    *
    * @throws ParameterException
    *   naming the largest possible batch
    */
  def requireBatch(batchSize: Int, floatsPerPicture: Long): Unit = {
    if (batchSize < 1) throw new ParameterException(s"batchSize must be at least 1, not $batchSize.")
    val largest = Int.MaxValue / (floatsPerPicture * java.lang.Float.BYTES)
    if (largest == 0)
      throw new ParameterException(
        s"One picture of $floatsPerPicture values takes more than the ${Int.MaxValue} bytes that a batch may have; " +
          "lower height and width."
      )
    if (batchSize > largest)
      throw new ParameterException(
        s"batchSize must be at most $largest, not $batchSize: a batch may have ${Int.MaxValue} bytes, and each picture " +
          s"takes ${floatsPerPicture * java.lang.Float.BYTES}."
      )
  }
}
