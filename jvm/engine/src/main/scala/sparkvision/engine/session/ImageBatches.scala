package sparkvision.engine.session

import scala.collection.mutable

import sparkvision.image.ImageInput

/** Runs any number of images in batches, one result for each image, in order.
  *
  * An unusable image takes no place in a batch and keeps its place in the order: every batch but the last is full of
  * images that can be run.
  *
  * @param batchSize
  *   images a batch, at most
  */
abstract class ImageBatches[R](batchSize: Int) {
  import ImageBatches.WaitingPerBatch

  /** Takes images into the batch, in order.
    *
    * @param before
    *   how many images the batch has
    * @return
    *   for each image why it is not usable, if it is not: it is then not in the batch
    */
  protected def add(images: IndexedSeq[ImageInput], before: Int): IndexedSeq[Option[String]]

  /** Runs the batch, and begins a new one.
    *
    * @param images
    *   how many the batch has
    * @return
    *   a result for each
    */
  protected def run(images: Int): IndexedSeq[R]

  /** @return
    *   each item with its image's result, or with the reason why there is none. Lazy; not for several threads.
    */
  final def results[A](items: Iterator[A])(image: A => ImageInput): Iterator[(A, Either[String, R])] =
    Iterator.continually(nextBatch(items, image)).takeWhile(_.nonEmpty).flatten

  private def nextBatch[A](items: Iterator[A], image: A => ImageInput): Seq[(A, Either[String, R])] = {
    val waiting = mutable.ArrayBuffer[(A, Option[String])]()
    var usable = 0
    // A long row of unusable images must not pile up in memory behind one usable one.
    while (items.hasNext && usable < batchSize && waiting.size < batchSize * WaitingPerBatch) {
      val some = next(items, batchSize - usable)
      val problems = add(some.map(image), usable)
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

private object ImageBatches {
  val WaitingPerBatch = 16
}
