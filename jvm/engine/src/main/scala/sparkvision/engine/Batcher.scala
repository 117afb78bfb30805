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
  */
final class Batcher[R](
    batchSize: Int,
    floatsPerPicture: Int,
    prepare: (Picture, FloatBuffer) => Unit,
    run: (FloatBuffer, Int) => IndexedSeq[R]
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
      val item = items.next()
      val problem = tryPrepare(picture(item), usable)
      if (problem.isEmpty) usable += 1
      waiting += item -> problem
    }
    val results = if (usable == 0) Iterator.empty else run(batch, usable).iterator
    waiting.toSeq.map { case (item, problem) => item -> problem.toLeft(results.next()) }
  }

  private def tryPrepare(picture: Picture, slot: Int): Option[String] =
    try {
      batch.position(slot * floatsPerPicture)
      prepare(picture, batch)
      None
    } catch { case e: ImageException => Some(e.reason) }
}

private object Batcher {
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
