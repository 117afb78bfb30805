package sparkvision.ml.metrics

import sparkvision.engine.runtime.ExecutionProvider
import sparkvision.engine.session.ModelListener
import sparkvision.image.codec.ImageDecoder
import sparkvision.image.{PixelRows, Pixels}

/** Counts what a task does with images, for the operator in Spark's UI and for the totals of the stage.
  *
  * A task that Spark retries counts again, as in all metrics of Spark.
  */
final private[ml] class ImageMetrics(operator: OperatorCounters, totals: StageTotals)
    extends ModelListener
    with Serializable {
  import ImageMetrics._

  // Of this task: each task has a copy of this object.
  private var batches = 0L
  private var inBatches = 0L

  def image(isUsable: Boolean): Unit = {
    add(Images, 1)
    if (!isUsable) add(Unusable, 1)
  }

  /** Decodes and counts an image.
    *
    * @throws ImageException
    *   when it cannot be decoded
    */
  def decode(encoded: Array[Byte], maxPixels: Long = ImageDecoder.DefaultMaxPixels): Pixels = {
    val start = System.nanoTime
    val pixels = ImageDecoder.decode(encoded, maxPixels)
    decoded(encoded, pixels, System.nanoTime - start)
    pixels
  }

  override def sessionTaken(provider: ExecutionProvider, opened: Boolean): Unit = {
    totals.provider(provider.name)
    if (opened) add(Sessions, 1)
  }

  override def decoded(encoded: Array[Byte], pixels: PixelRows, nanos: Long): Unit = synchronized {
    add(Decoded, 1)
    add(Decode, nanos)
  }

  override def preprocessed(nanos: Long): Unit = add(Preprocess, nanos)

  override def ran(images: Int, nanos: Long): Unit = synchronized {
    batches += 1
    inBatches += images
    operator.batchFill(inBatches.toDouble / batches)
    totals.add(InBatches, images.toLong)
    add(Batches, 1)
    add(Run, nanos)
  }

  override def postprocessed(nanos: Long): Unit = add(Postprocess, nanos)

  // Several cores may decode images of a task at once, and Spark's counters are not thread-safe.
  private def add(name: String, amount: Long): Unit = synchronized {
    operator.add(name, amount)
    totals.add(name, amount)
  }
}

private[ml] object ImageMetrics {
  val Images = "images"
  val Unusable = "unusable"
  val Batches = "batches"
  val InBatches = "inBatches"
  val Decoded = "decoded"
  val Decode = "decode"
  val Preprocess = "preprocess"
  val Run = "run"
  val Postprocess = "postprocess"
  val Sessions = "sessions"
}

/** The counters of one operator of a query. */
private[ml] trait OperatorCounters extends Serializable {

  /** @param counter
    *   one of the names in [[ImageMetrics]]
    */
  def add(counter: String, amount: Long): Unit

  /** @param mean
    *   images per batch, over the batches that the task has run
    */
  def batchFill(mean: Double): Unit
}
