package sparkvision.engine.session

import sparkvision.engine.runtime.ExecutionProvider
import sparkvision.image.PixelRows

/** Receives what a `LocalModel` does and how many nanoseconds each step took. The methods are called on the thread that
  * does the step, for each image or batch: they must return quickly, and several threads may call them at once.
  */
trait ModelListener {

  /** A session on this provider is used from now on; `opened` is whether it was opened for this model. */
  def sessionTaken(provider: ExecutionProvider, opened: Boolean): Unit = ()

  /** An encoded image was decoded. A listener that keeps the pixels must copy them, because their memory is reused. */
  def decoded(encoded: Array[Byte], pixels: PixelRows, nanos: Long): Unit = ()

  /** The pixels of an image were converted to the model's input. */
  def preprocessed(nanos: Long): Unit = ()

  /** The model ran a batch. */
  def ran(images: Int, nanos: Long): Unit = ()

  /** The outputs of a batch were converted to results. */
  def postprocessed(nanos: Long): Unit = ()
}

object ModelListener {

  /** Does nothing. */
  object Silent extends ModelListener

  /** Passes every call on to two listeners. */
  def both(first: ModelListener, second: ModelListener): ModelListener = new ModelListener {
    override def sessionTaken(provider: ExecutionProvider, opened: Boolean): Unit =
      each(_.sessionTaken(provider, opened))
    override def decoded(encoded: Array[Byte], pixels: PixelRows, nanos: Long): Unit =
      each(_.decoded(encoded, pixels, nanos))
    override def preprocessed(nanos: Long): Unit = each(_.preprocessed(nanos))
    override def ran(images: Int, nanos: Long): Unit = each(_.ran(images, nanos))
    override def postprocessed(nanos: Long): Unit = each(_.postprocessed(nanos))

    private def each(tell: ModelListener => Unit): Unit = {
      tell(first)
      tell(second)
    }
  }

  /** Does a step and reports how many nanoseconds it took. */
  private[engine] def timed[R](report: Long => Unit)(step: => R): R = {
    val start = System.nanoTime
    val result = step
    report(System.nanoTime - start)
    result
  }
}
