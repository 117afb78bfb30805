package sparkvision.engine

/** Told what a [[LocalModel]] does, and how many nanoseconds each step took. Called on the thread that does it, for each
  * picture or batch: it must be quick, and several threads may call it at once.
  */
trait ModelListener {

  /** A session of this provider is used from now on; `opened`: nobody had it open before. */
  def sessionTaken(provider: ExecutionProvider, opened: Boolean): Unit = ()

  /** A picture became pixels. */
  def decoded(nanos: Long): Unit = ()

  /** A picture's pixels became the model's input. */
  def preprocessed(nanos: Long): Unit = ()

  /** The model ran a batch. */
  def ran(pictures: Int, nanos: Long): Unit = ()

  /** A batch's outputs became results. */
  def postprocessed(nanos: Long): Unit = ()
}

object ModelListener {

  /** Does nothing. */
  object Silent extends ModelListener

  /** Does a step and reports how many nanoseconds it took. */
  private[engine] def timed[R](report: Long => Unit)(step: => R): R = {
    val start = System.nanoTime
    val result = step
    report(System.nanoTime - start)
    result
  }
}
