package sparkvision.engine

import scala.collection.mutable

/** Runs any number of pictures in batches, one result for each picture, in order.
  *
  * An unusable picture takes no place in a batch and keeps its place in the order: every batch but the last is full of
  * pictures that can be run.
  *
  * @param batchSize
  *   pictures a batch, at most
  */
abstract class PictureBatches[R](batchSize: Int) {
  import PictureBatches.WaitingPerBatch

  /** Takes pictures into the batch, in order.
    *
    * @param before
    *   how many pictures the batch has
    * @return
    *   for each picture why it is not usable, if it is not: it is then not in the batch
    */
  protected def add(pictures: IndexedSeq[Picture], before: Int): IndexedSeq[Option[String]]

  /** Runs the batch, and begins a new one.
    *
    * @param pictures
    *   how many the batch has
    * @return
    *   a result for each
    */
  protected def run(pictures: Int): IndexedSeq[R]

  /** @return
    *   each item with its picture's result, or with the reason why there is none. Lazy; not for several threads.
    */
  final def results[A](items: Iterator[A])(picture: A => Picture): Iterator[(A, Either[String, R])] =
    Iterator.continually(nextBatch(items, picture)).takeWhile(_.nonEmpty).flatten

  private def nextBatch[A](items: Iterator[A], picture: A => Picture): Seq[(A, Either[String, R])] = {
    val waiting = mutable.ArrayBuffer[(A, Option[String])]()
    var usable = 0
    // A long row of unusable pictures must not pile up in memory behind one usable one.
    while (items.hasNext && usable < batchSize && waiting.size < batchSize * WaitingPerBatch) {
      val some = next(items, batchSize - usable)
      val problems = add(some.map(picture), usable)
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

private object PictureBatches {
  val WaitingPerBatch = 16
}
