package sparkvision.engine.session

import sparkvision.engine.runtime.ExecutionProvider
import sparkvision.image.PixelRows

/** Told what a `LocalModel` does, and how many nanoseconds each step took. Called on the thread that does it, for each
  * image or batch: it must be quick, and several threads may call it at once.
  */
trait ModelListener {

  /** A session of this provider is used from now on; `opened`: nobody had it open before. */
  def sessionTaken(provider: ExecutionProvider, opened: Boolean): Unit = ()

  /** An encoded image became pixels. Who wants to keep them copies them: their memory is used again. */
  def decoded(encoded: Array[Byte], pixels: PixelRows, nanos: Long): Unit = ()

  /** An image's pixels became the model's input. */
  def preprocessed(nanos: Long): Unit = ()

  /** The model ran a batch. */
  def ran(images: Int, nanos: Long): Unit = ()

  /** A batch's outputs became results. */
  def postprocessed(nanos: Long): Unit = ()
}

object ModelListener {

  /** Does nothing. */
  object Silent extends ModelListener

  /** Tells two. */
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
