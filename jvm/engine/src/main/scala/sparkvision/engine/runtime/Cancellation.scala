package sparkvision.engine.runtime

/** Whether the results of a run are still wanted. Asked before a run and while it goes on, by other threads than its own:
  * the answer must come at once, and must not change back from true to false.
  */
trait Cancellation {
  def isCancelled(): Boolean
}

object Cancellation {

  /** The results are always wanted. */
  object Never extends Cancellation {
    override def isCancelled(): Boolean = false
  }

  /** Of a run for several callers: it goes on for as long as one of them wants its results. */
  private[engine] def ofAll(several: Seq[Cancellation]): Cancellation =
    if (several.contains(Never)) Never else () => several.forall(_.isCancelled())
}
