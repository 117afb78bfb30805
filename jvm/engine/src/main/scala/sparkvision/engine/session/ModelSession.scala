package sparkvision.engine.session

import sparkvision.engine.bundle.ModelBundle
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.runtime.{Cancellation, ExecutionProvider}
import sparkvision.image.ParameterException

/** What a model holds while it is in use: a claim on a shared session, taken at the first image that is run, and the core
  * of the task that runs it.
  */
final private[engine] class ModelSession(
    bundle: ModelBundle,
    settings: ModelSettings,
    listener: ModelListener,
    val cancellation: Cancellation
) extends AutoCloseable {
  private var lease = Option.empty[SessionCache.Lease]
  private var ownCore = Option.empty[AutoCloseable]
  private var closed = false

  /** Does pieces of work on this task's core and on those that no task uses. */
  object onSpareCores extends Batcher.InParallel {
    override def apply[P](pieces: IndexedSeq[() => P]): IndexedSeq[P] =
      SpareCores.shared.inParallel(settings.cores, pieces)
  }

  def requireOpen(): Unit = synchronized {
    if (closed) throw new ParameterException("This model is closed; open it again.")
  }

  /** Counts the calling thread's task among those that use a core. */
  def occupyCore(): Unit = synchronized {
    requireOpen()
    if (ownCore.isEmpty) ownCore = Some(SpareCores.shared.occupy())
  }

  def claim(): SessionCache.Lease = synchronized {
    requireOpen()
    lease.getOrElse {
      var opened = false
      val acquired =
        SessionCache.shared.acquire(bundle, settings.session, settings.sessionIdle, () => opened = true)
      listener.sessionTaken(acquired.session.provider, opened)
      lease = Some(acquired)
      acquired
    }
  }

  /** A batch in pieces on the CPU (see [[CpuRuns]]), else at once.
    *
    * @param run
    *   runs so many images of the batch from the given one on
    */
  def inRuns[R](claim: SessionCache.Lease, images: Int, valuesEach: Int)(
      run: (Int, Int) => IndexedSeq[R]
  ): IndexedSeq[R] =
    if (claim.session.provider == ExecutionProvider.Cpu) {
      val runs = CpuRuns.of(images, valuesEach, settings.session.intraOpThreads)
      onSpareCores(runs.map { case (from, count) => () => run(from, count) }).flatten
    } else run(0, images)

  /** Gives the session back; it stays open for others. */
  override def close(): Unit = synchronized {
    closed = true
    (lease ++ ownCore).foreach(_.close())
    lease = None
    ownCore = None
  }
}
